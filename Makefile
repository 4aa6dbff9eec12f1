# `make quick` and `make test` set everything up by themselves: an environment in .venv, from a hashed lock.

PYTHON ?=
CORES ?= all
BIN := .venv/bin
STAMP := .venv/.installed
PIN = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url \
	--no-emit-find-links --python-version 3.11

.DEFAULT_GOAL := help
.PHONY: help install cluster quick test slurm lint docs package audit paper report crate store verify golden golden-check golden-arm bench lock unlock clean
# The environment is .venv and nothing else.
unexport PYTHONPATH PYTHONHOME

help:  ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP)  ## set up .venv (every other target does it when needed)

cluster: $(STAMP)  ## add the plugins for Slurm and other schedulers (docs/cluster.md)
	$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r envs/cluster.lock

quick: $(STAMP)  ## all eight models on small data in minutes, ending with the table
	$(BIN)/snakemake --cores $(CORES) --configfile config/quick.yaml --quiet rules reason host
	@$(BIN)/python -m truly_sparse show table1 --config config/quick.yaml

test: $(STAMP)  ## the test suite
	$(BIN)/python -m pytest

slurm: cluster  ## the workflow on a Slurm cluster of one node, brought up for it (root; slurm-wlm and munge)
	$(BIN)/python -m pytest -rs -m slurm tests/slurm

lint: $(STAMP)  ## what has to pass before a change: ruff, snakefmt, mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/mypy

audit: $(STAMP)  ## known vulnerabilities of the locked packages (asks a public service, where there is a network)
	@test -x .venv/audit/bin/pip-audit || { $(BIN)/python -m venv .venv/audit && .venv/audit/bin/pip install -qq pip-audit; }
	@.venv/audit/bin/python envs/audit.py

docs: $(STAMP)  ## the documentation in docs/_build; a warning or a broken link is an error
	$(BIN)/python -m sphinx -q -W -n --keep-going docs docs/_build

package: $(STAMP)  ## wheel and sdist in dist/, tried in fresh environments of every Python at hand
	$(BIN)/python tests/packaging/fresh.py

paper: $(STAMP)  ## every table, figure and the PDF from the committed records, without training
	$(BIN)/snakemake --cores $(CORES) --config train=false

report: $(STAMP)  ## one HTML file with tables, figures, runs, rule graph and environment, from the committed records
	$(BIN)/snakemake --cores $(CORES) --config train=false --quiet rules reason host -- provenance
	$(BIN)/snakemake --config train=false --report results/paper/report.html -- provenance

crate: $(STAMP)  ## describe results/paper as an RO-Crate and validate the description
	$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r envs/crate.lock
	$(BIN)/python -m truly_sparse crate
	$(BIN)/python envs/validate_crate.py results/paper

store: $(STAMP)  ## put finished runs (NAME=table1) into the committed records
	$(BIN)/python -m truly_sparse store $(or $(NAME),table1)

verify: $(STAMP)  ## run a random sample of the committed runs again and compare bits
	$(BIN)/python -m truly_sparse verify

golden-check: $(STAMP)  ## run the golden runs and compare their digests with the committed ones
	$(BIN)/python -m truly_sparse golden

golden-arm: $(STAMP)  ## the same on an emulated ARM processor (Debian; 20 minutes the first time)
	$(BIN)/python envs/arm.py

golden: $(STAMP)  ## make their digests anew, for a REASON="..."
	$(BIN)/python -m truly_sparse golden --make $(if $(REASON),"$(REASON)",$(error give REASON="why they change"))

bench: $(STAMP)  ## measure speed and scale beside peers (PyTorch, where it is installed)
	$(BIN)/python benchmarks/bench.py

lock: $(STAMP)  ## pin every dependency anew in envs/*.lock
	$(BIN)/python -m pip install --quiet uv
	$(PIN) --upgrade --extra workflow --extra dev --extra build --extra docs --extra completion --extra onnx \
		--output-file envs/requirements.lock pyproject.toml
	$(PIN) --upgrade --extra cluster --constraint envs/requirements.lock --output-file envs/cluster.lock pyproject.toml
	$(PIN) --upgrade --extra crate --constraint envs/requirements.lock --output-file envs/crate.lock pyproject.toml

unlock: $(STAMP)  ## after a workflow that was killed on another machine: release the folder
	$(BIN)/snakemake --unlock

clean:  ## remove .venv, caches and quick results; never data or results of the paper
	rm -rf .venv .arm .snakemake .mypy_cache .ruff_cache .pytest_cache .hypothesis results/quick paper/quick docs/_build docs/examples dist
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@for python in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11); do \
		if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			"$$python" -m venv .venv && exit 0; \
			rm -rf .venv; \
			echo "error: $$python cannot make an environment; install its venv package (Debian: python3-venv)" >&2; \
			exit 1; \
		fi; \
	done; \
	echo "error: Python 3.11 or newer is needed; install it, or name it: make PYTHON=/path/to/python3" >&2; \
	exit 1

$(STAMP): $(BIN)/python envs/requirements.lock pyproject.toml
	@echo "Installing the locked packages into .venv (once, a minute or two)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r envs/requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
