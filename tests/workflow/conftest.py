"""A throw-away checkout: the real workflow and sources, with a command line that makes files in no time."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Stands in for training and plotting; the workflow, the configuration and the records are the real ones.
STUB = """
import json, os, sys, time
from pathlib import Path
from truly_sparse.experiments import grid, measurements, records
from truly_sparse.experiments.configuration import load_config, results_folder
from truly_sparse.experiments.provenance import source_hash

command, *rest = sys.argv[1:]
if command == "workflow":
    from truly_sparse.cli.main import main
    sys.exit(main())
config = load_config(rest[rest.index("--config") + 1])
name = rest[0]
paper = Path("paper") / results_folder(config).relative_to("results")

def touch(*files):
    for file in map(Path, files):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(os.environ.get("STUB_CONTENT", "content"))

time.sleep(float(os.environ.get("STUB_SLEEP", "0")))
if command == "data":
    names = rest[: rest.index("--config")]
    if len(names) == 1:  # several: the summary of what is there already
        touch(f"data/{name}.parquet", f"data/{name}.json")
elif command == "run":
    if os.environ.get("STUB_FAIL") == name:
        sys.exit("error: this run was told to fail")
    spec = grid.find(config, name)
    folder = records.run_folder(config, spec)
    touch(folder / "history.parquet", folder / "predictions.npz")
    record = dict(experiment=spec.experiment, dataset=spec.dataset, method=spec.method, setting=spec.setting,
                  seed=spec.seed, status="ok", settings=spec.settings, settings_hash=spec.settings_hash,
                  source_hash=spec.hashes["source_hash"], threads=os.environ["OMP_NUM_THREADS"])
    (folder / "run.json").write_text(json.dumps(record))
elif command == "store":
    records.store(config, name, check=lambda: None)
elif command == "measure":
    touch(*(measurements.local_file(config, name).with_suffix(end) for end in (".csv", ".json")))
elif command in ("table", "figure", "results"):
    from truly_sparse.studies.discovery import find

    for name in rest[: rest.index("--config")]:
        if command == "figure" or name in find(config["study"]).figures:
            figures = results_folder(config) / "figures"
            touch(figures / f"{name}.csv", figures / f"{name}.png", paper / "figures" / f"{name}.pdf")
            continue
        if name in config["experiments"]:
            _, absent = records.gather(config, name)
            assert not absent, absent
        touch(results_folder(config) / "tables" / f"{name}.csv", paper / "tables" / f"{name}.tex")
elif command == "pdf":
    touch(paper / "main.pdf")
"""

SMALL = """
study: journal
preset: small
training: {epochs: 20, exploration_epochs: 10}
datasets: {digits: {}, wine: {}}
methods:
  rd_tse: {model: sparse, strategy: rd_tse}
  fd_tse: {model: sparse, strategy: fd_tse}
  dense: {model: dense, training: {members: 1, activation: relu}}
measurements:
  datasets: {datasets: [digits, wine]}
experiments:
  table1:
    - {datasets: [digits, wine], methods: [rd_tse, fd_tse], epsilon: [20], seeds: [0]}
    - {datasets: [digits, wine], methods: [dense], seeds: [0]}
"""


class Checkout:
    """A copy of the repository in which commands run with the copy's own package."""

    def __init__(self, folder: Path, said: str = "") -> None:
        self.folder = folder
        #: What the command that filled the folder printed; Snakemake's own words are in the log that it names.
        self.said = said

    def call(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command of Python (`-m ...`) in the copy; output and errors come back as one text."""
        return subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(self.folder / "src")} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )

    def workflow(self, config: str, *more: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake as `make quick` does, under one progress bar."""
        return self.call("-m", "truly_sparse", "workflow", "--cores", "2", "--config", config, *more, **environment)

    def log(self) -> str:
        """Return what Snakemake said in the latest of these."""
        return max(self.folder.glob("results/logs/workflow/*.log")).read_text(encoding="utf-8")

    def snakemake(self, *arguments: str, **environment: str) -> str:
        """Run Snakemake to its end and return what it printed."""
        finished = self.call("-m", "snakemake", "--cores", "2", *arguments, **environment)
        assert finished.returncode == 0, finished.stdout
        return finished.stdout

    def plan(self, *arguments: str) -> Counter[str]:
        """Return how many jobs of each rule a dry run plans."""
        counts = Counter[str]()
        for line in self.snakemake(*arguments, "--dry-run", "--quiet", "rules").splitlines():
            rule, _, count = line.partition(" ")
            if count.strip().isdigit() and rule != "total":
                counts[rule] = int(count)
        return counts

    def edit(self, file: str, text: str) -> None:
        """Append a statement to a source file, which may be new."""
        target = self.folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("a", encoding="utf-8") as stream:
            stream.write(f"\n{text}\n")


@pytest.fixture
def checkout(tmp_path):
    """A copy of the repository with the stub command line and config/small.yaml, six runs."""
    return lay_out(tmp_path)


@pytest.fixture(scope="session")
def _finished(tmp_path_factory):
    template = lay_out(tmp_path_factory.mktemp("finished"))
    done = template.workflow("config/small.yaml")
    assert done.returncode == 0, done.stdout
    template.said = done.stdout
    return template


@pytest.fixture
def finished(_finished, tmp_path):
    """A checkout in which the small preset has been run."""
    shutil.copytree(_finished.folder, tmp_path, dirs_exist_ok=True)
    return Checkout(tmp_path, _finished.said)


def lay_out(folder: Path) -> Checkout:
    """Fill an empty folder with what a checkout holds."""
    for name in ("workflow", "profiles", "config"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Snakefile", folder)
    (folder / "src/truly_sparse/__main__.py").write_text(STUB, encoding="utf-8")
    (folder / "config/small.yaml").write_text(SMALL, encoding="utf-8")
    (folder / "paper/journal").mkdir(parents=True)
    for name in ("journal/main.tex", "preamble.tex", "references.bib"):
        (folder / "paper" / name).touch()
    return Checkout(folder)
