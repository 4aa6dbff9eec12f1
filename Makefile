# Every target sets up by itself what it needs: an environment in .venv, from hashed locks, each installed once.

PYTHON ?=
CORES ?= all
BIN := .venv/bin
STAMP := .venv/.installed
# Beside it, .venv/.locked-NAME: what envs/NAME.lock adds.
LOCKED := .venv/.locked-
INSTALL := $(BIN)/python envs/install.py
PARALLEL := -n auto --maxprocesses 8 --dist worksteal
PIN = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url \
	--no-emit-find-links --python-version 3.11

.DEFAULT_GOAL := help
.PHONY: help install cluster quick test test-all slow coverage slurm lint docs site package audit paper report crate store recheck \
	golden golden-check golden-arm mutants bench bench-tabular lock unlock clean
# The environment is .venv and nothing else; what its modules compile to is kept there, as every process needs it.
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

help:  ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP)  ## set up .venv (every other target does it when needed)

cluster: $(STAMP) $(LOCKED)cluster  ## add the plugins for Slurm and other schedulers (docs/cluster.md)

quick: $(STAMP)  ## a small piece of every study in minutes: all eight models of the journal, ending with the table
	@$(BIN)/python -m truly_sparse workflow --cores $(CORES) --config config/quick.yaml -- --config one_step=true
	@$(BIN)/python -m truly_sparse show table1 --config config/quick.yaml

test: $(STAMP) $(LOCKED)test  ## the test suite, without the tests that take more than a CPU second
	TRULY_SPARSE_FUZZ_CONFIGURATIONS=100 TRULY_SPARSE_FUZZ_CASES=500 $(BIN)/python -m pytest $(PARALLEL) -m "not slow and not slurm and not mutants"

test-all: $(STAMP) $(LOCKED)test  ## the whole test suite
	$(BIN)/python -m pytest $(PARALLEL)

slow: $(STAMP) $(LOCKED)test  ## the whole test suite, which writes anew what takes long (tests/slow.txt)
	$(BIN)/python -m pytest $(PARALLEL) -p tests.slow

coverage: $(STAMP) $(LOCKED)test  ## every branch of the engine's Python, of stores and of checkpoints is tested
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(PARALLEL) -m "not slow and not slurm and not mutants" tests/engine tests/training \
		tests/ensembles tests/experiments tests/estimators tests/faults tests/cli tests/fuzz tests/test_files.py tests/test_kernel_cache.py
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

slurm: cluster $(LOCKED)test  ## the workflow on a Slurm cluster of one node, brought up for it (root; slurm-wlm and munge)
	$(BIN)/python -m pytest -rs -m slurm tests/slurm

lint: $(STAMP) $(LOCKED)lint  ## what has to pass before a change: ruff, snakefmt, mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/mypy

audit: $(BIN)/python  ## known vulnerabilities of the locked packages (asks a public service, where there is a network)
	@test -x .venv/audit/bin/pip-audit || { $(BIN)/python -m venv .venv/audit && .venv/audit/bin/pip install -qq pip-audit; }
	@.venv/audit/bin/python envs/audit.py

docs: $(STAMP) $(LOCKED)docs  ## the documentation in docs/_build; a warning or a broken link is an error
	$(BIN)/python -m sphinx -q -W -n --keep-going docs docs/_build

site: docs  ## the same, and where to open it: every claim with its verdict and what lies behind it, without a network
	@echo "file://$(CURDIR)/docs/_build/claims.html"

package: $(STAMP)  ## wheel and sdist in dist/, tried in fresh environments of every Python at hand
	$(BIN)/python tests/packaging/fresh.py

paper: $(STAMP)  ## every table, figure and PDF of every study from the committed records, without training
	@$(BIN)/python -m truly_sparse workflow --cores $(CORES) -- --config train=false
	@$(BIN)/python -m truly_sparse show table1

report: $(STAMP)  ## one HTML file with tables, figures, runs, rule graph and environment, from the committed records
	@$(BIN)/python -m truly_sparse workflow --cores $(CORES) provenance -- --config train=false
	$(BIN)/snakemake --config train=false --report results/report.html -- provenance

crate: $(STAMP) $(LOCKED)crate  ## describe the results of every study and each job as a Provenance Run Crate, and validate it
	$(BIN)/python -m truly_sparse crate
	for crate in results/*/ro-crate-metadata.json; do $(BIN)/python envs/validate_crate.py $${crate%/*} || exit 1; done

store: $(STAMP)  ## put finished runs (NAME=table1) into the committed records
	$(BIN)/python -m truly_sparse store $(or $(NAME),table1)

recheck: $(STAMP)  ## train RUNS=60 committed runs again, drawn by a SEED=word of yours, and compare (MINUTES=1: no longer ones)
	@$(BIN)/python -m truly_sparse recheck --seed $(or $(SEED),$(error give SEED=word, of your own choice)) \
		$(if $(RUNS),--runs $(RUNS)) $(if $(MINUTES),--minutes $(MINUTES)) \
		$(if $(OUTCOME),--outcome $(OUTCOME)) $(if $(LEAVE_OUT),--leave-out-untrained)

golden-check: $(STAMP)  ## run the golden runs and compare their digests with the committed ones
	$(BIN)/python -m truly_sparse golden

golden-arm: $(STAMP)  ## the same on an emulated ARM processor (Debian; some 10 minutes the first time)
	$(BIN)/python envs/arm.py

mutants: $(STAMP) $(LOCKED)test  ## change every part of the sources and see whether a golden run notices (long)
	$(BIN)/python -m pytest $(PARALLEL) -m mutants tests/golden

golden: $(STAMP)  ## make their digests anew, for a REASON="..."
	$(BIN)/python -m truly_sparse golden --make $(if $(REASON),"$(REASON)",$(error give REASON="why they change"))

bench: $(STAMP)  ## measure speed and scale beside peers, ten minutes for each instruction set (PyTorch, where it is installed)
	$(BIN)/python benchmarks/bench.py

bench-tabular: $(STAMP)  ## compare with boosting and other peers on tables nobody tuned on (hours; what is there is kept)
	$(BIN)/python benchmarks/leaks.py
	$(BIN)/python benchmarks/tabular.py

lock: $(STAMP)  ## pin every dependency anew in envs/*.lock
	@$(INSTALL) --require-hashes -r envs/installer.lock
	echo uv | $(PIN) --upgrade --output-file envs/installer.lock -
	$(PIN) --upgrade --extra workflow --extra build --output-file envs/run.lock pyproject.toml
	agree="--constraint envs/run.lock"; for extra in test lint docs cluster crate; do \
		$(PIN) --upgrade $$agree --extra $$extra --output-file envs/$$extra.lock pyproject.toml || exit 1; \
		agree="$$agree --constraint envs/$$extra.lock"; \
	done

unlock: $(STAMP)  ## after a workflow that was killed on another machine: release the folder
	$(BIN)/snakemake --unlock

clean:  ## remove .venv, caches and quick results; never data or results of a study
	rm -rf .venv .arm .snakemake .mypy_cache .ruff_cache .pytest_cache .coverage* .hypothesis results/quick paper/quick docs/_build docs/examples dist
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

$(STAMP): $(BIN)/python envs/run.lock pyproject.toml
	@echo "Installing the locked packages into .venv (once, a minute at most)"
	@$(INSTALL) --require-hashes -r envs/run.lock
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(LOCKED)%: envs/%.lock $(BIN)/python
	@$(INSTALL) --require-hashes -r envs/$*.lock
	@touch $@
