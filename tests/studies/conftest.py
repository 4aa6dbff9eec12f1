"""Made-up run records and a made-up repository to make tables, figures and the PDF in."""

import base64
import copy
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from truly_sparse.experiments import measurements
from truly_sparse.experiments.configuration import load_config
from truly_sparse.experiments.grid import RunSpec, runs
from truly_sparse.experiments.records import records_file, run_folder
from truly_sparse.files import sha256, write_json

Change = Callable[[RunSpec, dict[str, Any]], dict[str, Any] | None]
REPOSITORY = Path(__file__).parents[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def made_up_bits(share: float, rows: int, seed: int) -> str:
    """As many right rows as the accuracy says, as a record holds them."""
    right = np.random.default_rng(seed).permutation(rows) < share * rows
    return base64.b64encode(np.packbits(right).tobytes()).decode()


def write_records(config: dict[str, Any], lines: dict[str, list[str]]) -> None:
    """Write lines of JSON as the committed records of experiments."""
    for name, found in lines.items():
        file = records_file(config, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{line}\n" for line in found), encoding="utf-8")


def record_of(spec: RunSpec, **changes: Any) -> dict[str, Any]:
    """A plausible record of a run; numbers depend on the run only, never on chance."""
    training, dense = spec.settings["training"], spec.settings["model"] == "dense"
    shapes = {"gesture": (50, 5), "digits": (64, 10), "wine": (13, 3), "cifar10": (3072, 10)}
    features, classes = shapes.get(spec.dataset, (30, 2))
    sizes = [features, *training["hidden_layer_sizes"], classes]
    full = sum(a * b for a, b in zip(sizes, sizes[1:], strict=False))
    one = (
        full
        if dense
        else sum(min(a * b, int(training["epsilon"] * (a + b))) for a, b in zip(sizes, sizes[1:], strict=False))
    )
    members = training["members"]
    test = 0.55 if dense else 0.70 + training["epsilon"] / 1000 + 0.004 * spec.seed + 0.001 * len(spec.setting)
    operations = 3 * one * 6272 * training["epochs"] * (members if spec.settings["strategy"] == "independent" else 1)
    record = {
        "experiment": spec.experiment,
        "dataset": spec.dataset,
        "method": spec.method,
        "setting": spec.setting,
        "seed": spec.seed,
        "status": "ok",
        "failure": None,
        "settings": spec.settings,
        "settings_hash": spec.settings_hash,
        "source_hash": spec.hashes["source_hash"],
        "data": {
            "sha256": "ab" * 32,
            "rows": 9873,
            "features": features,
            "classes": classes,
            "source": "made up",
            "train_rows": 6319,
            "validation_rows": 1579,
            "test_rows": 1975,
            "partial": None,
        },
        "accuracy": {"test": test, "members_test": [test - 0.02] * members, "members_validation": [test] * members},
        "loss": {"final_train": 0.5},
        "links": {
            "start": [one],
            "members": [[one]] * members,
            "biases": sum(sizes[1:]),
            "total_weights": members * (one + sum(sizes[1:])),
        },
        "operations": {
            "forward": operations // 3,
            "backward": operations // 3,
            "gradient": operations // 3,
            "validation": 0,
            "total_training": operations,
            "convention": "one operation per multiply-add",
        },
        "seconds": {
            "wall": operations / 2e10,
            "cpu": operations / 2e10 + spec.seed,
            "epochs_wall": 1.0,
            "data": 0.1,
            "fit": 2.0,
            "predict": 0.1,
            "start_up": 1,
        },
        "model_bytes": 4 * one,
        "metrics": {"accuracy": test, "roc_auc": 0.9, "log_loss": 0.5, "ece": 0.05},
        "diversity": dict.fromkeys(
            ("member_accuracy", "oracle_accuracy", "disagreement", "kl_divergence", "output_correlation"),
            0.5 if members > 1 else None,
        ),
        "correct": made_up_bits(test, 1975, spec.seed),
        "peak_memory_bytes": 2**28,
        "blocked_fallbacks": 12 if spec.method == "fd_tse" else 0,
        "distance_draws": [],
        "threads": {
            "threadpools": [
                {"user_api": "blas", "internal_api": "openblas", "version": "0.3.30", "architecture": "Haswell"}
            ],
            "affinity": [0],
            "process_threads": 1,
            "pinned": True,
            "cpu_per_wall": 1.0,
        },
        "host": {
            "cpu": "Made_Up(R) CPU #7 & Sons @ 3.00GHz",
            "cores": 2,
            "python": "3.11.7",
            "platform": "Linux",
            "packages": {"numpy": "2.4.6", "numba": "0.68.1"},
        },
        "code": {"commit": COMMIT, "dirty": False, "version": "0.1.0"},
        "started": "2026-01-01T00:00:00+00:00",
        "finished": "2026-01-01T00:10:00+00:00",
    }
    return record | changes


@pytest.fixture
def make_record() -> Callable[..., dict[str, Any]]:
    """`make_record(dataset, method, setting, seed, epsilon, model, **changes)`: a record outside any grid."""

    def make(
        dataset: str = "gesture",
        method: str = "rd_tse",
        setting: str = "eps20",
        seed: int = 0,
        epsilon: float | None = 20,
        **changes: Any,
    ) -> dict[str, Any]:
        dense = method.startswith("dense")
        training = {"hidden_layer_sizes": [1000, 1000, 1000], "members": 1 if method == "dense" else 5, "epochs": 350}
        settings = {
            "dataset": dataset,
            "method": method,
            "model": "dense" if dense else "sparse",
            "strategy": method,
            "seed": seed,
            "data": {},
            "training": training | {"epsilon": None if dense else epsilon},
        }
        setting = "default" if dense else setting
        return record_of(RunSpec("table1", dataset, method, setting, seed, settings), **changes)

    return make


def sources() -> list[Path]:
    """What is written by hand for the PDFs of all studies, relative to the repository."""
    common = [Path("paper/preamble.tex"), Path("paper/references.bib")]
    return common + [file.relative_to(REPOSITORY) for file in sorted(REPOSITORY.glob("paper/*/main.tex"))]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with this repository's texts and configuration, as the working folder."""
    for text in sources():
        (tmp_path / text).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / text, tmp_path / text)
    shutil.copytree(REPOSITORY / "config", tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def lay_out(repository: Path, grid) -> Callable[..., dict[str, Any]]:
    """`lay_out(change, experiments)`: write records, changed or left out (None); return the configuration of `grid`."""

    def write(change: Change = lambda _, record: record, experiments: tuple[str, ...] = ()) -> dict[str, Any]:
        config = copy.deepcopy(grid[0])
        if experiments:
            config["experiments"] = {name: config["experiments"][name] for name in experiments}
        lines: dict[str, list[str]] = {name: [] for name in config["experiments"]}
        for spec, record in grid[1]:
            changed = change(spec, record) if spec.experiment in lines else None
            if changed is not None:
                lines[spec.experiment].append(json.dumps(changed))
        write_records(config, lines)
        assert repository.samefile(".")
        return config

    return write


@pytest.fixture
def fill(repository: Path) -> Callable[..., dict[str, Any]]:
    """`fill(preset, seeds, skip, diverge)`: load a configuration and write a run.json for every run of it."""

    def fill_runs(
        preset: str = "quick", seeds: int = 2, skip: tuple[str, ...] = (), diverge: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        folder = REPOSITORY / "config" / ("" if preset == "paper" else preset)
        config = load_config(folder / "journal.yaml")
        for block in config["experiments"]["table1"]:
            block["seeds"] = block["seeds"][:seeds]
        for spec in runs(config, "table1"):
            if spec.path in skip:
                continue
            record = record_of(spec)
            if spec.path in diverge:
                accuracy = {"test": None, "members_test": [], "members_validation": []}
                record |= {"status": "diverged", "failure": "lower learning_rate", "accuracy": accuracy}
            write_json(repository / run_folder(config, spec) / "run.json", json.loads(json.dumps(record)))
        return config

    return fill_runs


@pytest.fixture
def committed() -> Callable[[dict[str, Any], str, pd.DataFrame], None]:
    """`committed(config, name, frame)`: put a made-up measurement where the configuration looks for it, as current."""

    def put(config: dict[str, Any], name: str, frame: pd.DataFrame) -> None:
        reuse = config["reuse_records"]
        path = (measurements.committed_file if reuse else measurements.local_file)(config, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.to_csv(path, index=False)
        about = {**measurements.hashes(config, name), "sha256": sha256(path), "seconds": 1.0}
        about |= {"host": {"cpu": "Made up CPU"}, "code": {"commit": COMMIT, "dirty": False}}
        write_json(path.with_suffix(".json"), about)

    return put


def _write_runs(folder: Path, config: dict[str, Any], records: list[tuple[RunSpec, dict[str, Any]]]) -> Path:
    for spec, record in records:
        write_json(folder / run_folder(config, spec) / "run.json", record)
    return folder


def _link(source: Path, target: Path) -> None:
    """Put files of one folder into another; whoever changes one writes a new file and leaves the first as it is."""
    for path in source.rglob("*.json"):
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        os.link(path, place)


@pytest.fixture(scope="session")
def made_up_paper() -> tuple[dict[str, Any], list[tuple[RunSpec, dict[str, Any]]]]:
    """The configuration of the paper, no committed records used, and a made-up record of every run of it."""
    config = load_config(REPOSITORY / "config/journal.yaml") | {"reuse_records": False, "train": False}
    trained = [spec for spec in runs(config) if spec.settings["model"] != "reference" and spec.seed < 3]
    return config, [(spec, record_of(spec)) for spec in trained]


@pytest.fixture(scope="session")
def _paper(made_up_paper, tmp_path_factory):
    return _write_runs(tmp_path_factory.mktemp("paper"), *made_up_paper)


@pytest.fixture(scope="session")
def _varied(made_up_paper, tmp_path_factory):
    config, records = made_up_paper
    rng = np.random.default_rng(0)
    for _, record in (records := copy.deepcopy(records)):
        record["accuracy"]["test"] = float(rng.uniform(0.6, 0.9))
    return _write_runs(tmp_path_factory.mktemp("varied"), config, records)


@pytest.fixture
def paper(repository: Path, made_up_paper, _paper: Path) -> dict[str, Any]:
    """Lay out a made-up run.json for every run of the paper; return its configuration, no committed records used."""
    _link(_paper, repository)
    return copy.deepcopy(made_up_paper[0])


@pytest.fixture
def varied(paper, repository, _varied):
    """Make the accuracies of every run differ, the same way each time; return the configuration."""
    _link(_varied, repository)
    return paper
