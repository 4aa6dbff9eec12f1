"""The command line as a user meets it: a real run, the same bytes after a kill, and bad input in one line."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from truly_sparse.cli.main import main
from truly_sparse.files import sha256

ROOT = Path(__file__).parents[2]
RUN = "tiny/toy/fd_tse/eps3/seed0"
DENSE = "tiny/toy/dense_ensemble/default/seed0"

# A run that saves a checkpoint after nearly every epoch.
OFTEN = """
import sys
from truly_sparse.cli.main import main, one_thread
one_thread()
from truly_sparse.experiments import networks
networks.CHECKPOINT_SECONDS, networks.CHECKPOINT_SHARE = 0.05, 0
main(["run", sys.argv[1], "--config", "config.yaml"])
"""


def write_data(folder: Path, x: np.ndarray, y: np.ndarray, classes: int = 3) -> None:
    """Write a prepared dataset: the table and its sidecar."""
    folder.mkdir(exist_ok=True)
    columns = {f"f{i}": x[:, i] for i in range(x.shape[1])} | {"target": y}
    pq.write_table(pa.table(columns), folder / "toy.parquet")
    about = {"sha256": sha256(folder / "toy.parquet"), "classes": [str(c) for c in range(classes)]}
    (folder / "toy.json").write_text(json.dumps(about | {"source": "made up", "partial": None}))


@pytest.fixture
def place(tmp_path):
    """Return a folder with a configuration of two small runs and their data; epochs are many enough to be killed."""
    return lay_out(tmp_path)


def lay_out(folder: Path) -> Path:
    """Write the configuration and the data into a folder."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    write_data(folder / "data", rng.normal(size=(3, 10))[y] + rng.normal(size=(300, 10)), y)
    config = {
        "study": "journal",
        "preset": "test",
        "training": {
            "hidden_layer_sizes": [60, 50],
            "members": 2,
            "epochs": 40,
            "exploration_epochs": 20,
            "batch_size": 16,
            "learning_rate": 0.01,
        },
        "datasets": {"toy": {"scaling": "standard", "split": "random"}},
        "methods": {
            "fd_tse": {"model": "sparse", "strategy": "fd_tse"},
            "dense_ensemble": {
                "model": "dense",
                "strategy": "independent",
                "training": {
                    "exploration_epochs": 40,
                    "learning_rate": 0.001,
                    "activation": "relu",
                    "refinement": "none",
                },
            },
        },
        "experiments": {
            "tiny": [
                {"datasets": ["toy"], "methods": ["fd_tse"], "epsilon": [3], "seeds": [0]},
                {"datasets": ["toy"], "methods": ["dense_ensemble"], "seeds": [0]},
            ]
        },
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder


def change(place: Path, **training: object) -> None:
    config = yaml.safe_load((place / "config.yaml").read_text())
    config["training"] |= training
    (place / "config.yaml").write_text(yaml.safe_dump(config))


def start(place: Path, *arguments: str, **environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "truly_sparse", *arguments, "--config", "config.yaml"],
        cwd=place,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def call(place: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    job = start(place, *arguments, **environment)
    _, errors = job.communicate(timeout=120)
    return job.returncode, errors


def results(place: Path, run: str = RUN) -> Path:
    return place / "results/test/journal/runs" / run


@pytest.mark.parametrize("run", [RUN, DENSE])
def test_a_run_writes_its_folder_and_the_same_bytes_again(place, run):
    code, errors = call(place, "run", run, OPENBLAS_CORETYPE="Haswell")
    assert code == 0, errors
    assert "OPENBLAS_CORETYPE=Haswell ignored" in errors
    folder = results(place, run)
    record = json.loads((folder / "run.json").read_text())
    assert record["status"] == "ok"
    assert {path.name for path in folder.iterdir()} == {
        "run.json",
        "history.parquet",
        "predictions.npz",
        "member_0.npz",
        "member_1.npz",
    }
    with np.load(folder / "predictions.npz", allow_pickle=False) as saved:
        mean = saved["probabilities"].mean(axis=0)
        assert (mean.argmax(axis=1) == saved["labels"]).mean() == record["accuracy"]["test"]
    history = pq.read_table(folder / "history.parquet").to_pylist()
    assert len(history) == 40 * (2 if run == DENSE else 1)
    forward = sum(row["connections"] * row["samples"] for row in history)
    assert record["operations"]["forward"] == forward
    # One core, shown: every pool has one thread, and the process is pinned where a core was free.
    assert all(pool["num_threads"] == 1 for pool in record["threads"]["threadpools"])
    assert not record["threads"]["pinned"] or len(record["threads"]["affinity"]) == 1
    assert record["threads"]["cpu_per_wall"] < 1.1
    first = (folder / "predictions.npz").read_bytes()
    assert call(place, "run", run)[0] == 0
    assert (folder / "predictions.npz").read_bytes() == first


@pytest.mark.parametrize(("run", "epochs"), [(RUN, 3000), (DENSE, 2000)])
def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(place, run, epochs):
    change(place, epochs=epochs, exploration_epochs=epochs // 2)
    config = yaml.safe_load((place / "config.yaml").read_text())
    config["methods"]["dense_ensemble"]["training"]["exploration_epochs"] = epochs
    (place / "config.yaml").write_text(yaml.safe_dump(config))
    folder = results(place, run)
    job = subprocess.Popen([sys.executable, "-c", OFTEN, run], cwd=place, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (folder / "checkpoint.npz").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert job.poll() is None, "the run ended before it could be killed"
    job.send_signal(signal.SIGKILL)
    job.communicate()
    assert not (folder / "run.json").exists()
    code, errors = call(place, "run", run)
    assert code == 0, errors
    assert "going on after epoch" in errors
    assert not (folder / "checkpoint.npz").exists()
    resumed = (folder / "predictions.npz").read_bytes()
    assert call(place, "run", run)[0] == 0
    assert (folder / "predictions.npz").read_bytes() == resumed


def test_divergence_is_recorded_with_advice(place):
    change(place, learning_rate=10.0)
    code, errors = call(place, "run", RUN)
    assert code == 0, errors
    record = json.loads((results(place) / "run.json").read_text())
    assert record["status"] == "diverged"
    assert "lower training.learning_rate" in record["failure"]
    assert record["accuracy"]["test"] is None
    assert "diverged" in errors


@pytest.fixture
def refused(place, monkeypatch, capfd):
    """Return a function that runs a command, expects one line and no results, and returns the line."""
    monkeypatch.chdir(place)
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)

    def run(*arguments: str) -> str:
        code = main([*arguments, "--config", "config.yaml"])
        lines = capfd.readouterr().err.splitlines()
        assert code == 2, lines
        assert len(lines) == 1, lines
        assert lines[0].startswith("error: ")
        assert not [path for path in place.glob("results/**/*.*") if ".locks" not in path.parts]
        return lines[0]

    return run


def test_a_refusal_is_the_exit_code_and_one_line(place):
    code, errors = call(place, "run", "tiny/nowhere/fd_tse/eps3/seed0")
    assert code == 2
    assert errors.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("tiny/nowhere/fd_tse/eps3/seed0", "nowhere"),
        ("tiny/toy/fd_tes/eps3/seed0", "did you mean"),
        ("../../etc/passwd", "no run"),
    ],
)
def test_unknown_runs_are_refused(refused, run, words):
    assert words in refused("run", run)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"members": 15}, "members"),
        ({"batch_size": 4000}, "batch_size"),
        ({"epochs": -1}, "epochs"),
        ({"dropout": 1.5}, "dropout"),
        ({"learning_rat": 0.1}, "did you mean"),
        ({"refinement": "comprehensve"}, "refinement"),
    ],
)
def test_bad_settings_are_refused(place, refused, changes, words):
    change(place, **changes)
    assert words in refused("run", RUN)


@pytest.mark.parametrize("epsilon", [0, -3, "many"])
def test_bad_densities_are_refused(place, refused, epsilon):
    config = yaml.safe_load((place / "config.yaml").read_text())
    config["experiments"]["tiny"][0]["epsilon"] = [epsilon]
    (place / "config.yaml").write_text(yaml.safe_dump(config))
    assert "epsilon" in refused("run", RUN)


def test_damaged_or_missing_data_is_refused(place, refused):
    table = place / "data" / "toy.parquet"
    content = table.read_bytes()
    table.write_bytes(content[: len(content) // 2])
    assert "toy.parquet" in refused("run", RUN)
    table.unlink()
    assert "not prepared" in refused("run", RUN)


def test_missing_and_broken_configurations_are_refused(place, refused):
    (place / "config.yaml").write_text("preset: [")
    assert "YAML" in refused("run", RUN)
    (place / "config.yaml").unlink()
    assert "config.yaml" in refused("run", RUN)


def test_help_names_every_command():
    text = subprocess.run(
        [sys.executable, "-m", "truly_sparse", "--help"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    assert all(command in text for command in ("data", "run", "store", "table", "figure", "pdf", "show", "examples:"))


def test_a_job_starts_without_what_it_does_not_use():
    """A second of imports is paid by every job of a workflow."""
    code = (
        "import sys; import truly_sparse.experiments.jobs.run_job; "
        "print({'sklearn', 'pandas', 'matplotlib'} & {*sys.modules})"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert said.strip() == "set()"
    code = code.replace("experiments.jobs.run_job", "studies.make").replace("'sklearn', 'pandas', ", "'sklearn', ")
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert said.strip() == "set()"


def test_who_reads_no_further_ends_a_command_without_a_word():
    command = [sys.executable, "-m", "truly_sparse", "recheck", "--seed", "x", "--dry-run", "--runs", "2000"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (141, b"")


@pytest.mark.parametrize("cores", ["0", "-1", "two", "9" * 14])
def test_cores_that_cannot_be_are_refused(refused, cores):
    said = refused("workflow", "table1", f"--cores={cores}")
    assert said == f"error: --cores is {cores}; give a whole number from 1 to 1,000,000, or all"
