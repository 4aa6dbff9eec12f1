"""The study of the defaults: its tables are those of its results, and the texts say what they say."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks/results"


@pytest.fixture(scope="module")
def tables():
    spec = importlib.util.spec_from_file_location("defaults_tables", ROOT / "benchmarks/defaults_tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def row(dataset, seed, what, accuracy, seconds, error=""):
    values = {"dataset": dataset, "seed": str(seed), "what": what, "error": error}
    return values | {"accuracy": str(accuracy), "seconds": str(seconds)}


def test_gains_are_paired_by_dataset_and_seed(tables):
    rows = [row("pol", seed, "ours", 90 + seed, 4) for seed in (0, 1, 2)]
    rows += [row("pol", 0, "theirs", 88, 1), row("pol", 1, "theirs", 90, 1), row("pol", 2, "theirs", "", "", "failed")]
    rows += [row("heloc", 0, "ours", 70, 9), row("heloc", 0, "theirs", 73, 1), row("credit", 0, "ours", 70, 1)]
    gains = tables.paired(rows, "ours", "theirs", ("pol", "heloc", "credit"))
    assert gains == {"pol": [(2.0, 4.0), (1.0, 4.0)], "heloc": [(-3.0, 9.0)]}
    found = tables.judged(gains)
    assert found.mean == pytest.approx(-0.75)
    assert str(found) == "-0.75 | -3.00 to +2.00 | 6.00x | 2 | 2"
    assert str(tables.judged({"pol": gains["pol"]})) == "+1.50 | +1.00 to +2.00 | 4.00x | 1 | 2"


def test_the_page_is_made_of_the_results(tmp_path):
    for path in RESULTS.glob("defaults_*.csv"):
        shutil.copy(path, tmp_path)
    command = [sys.executable, ROOT / "benchmarks/defaults.py", "table", "--results", tmp_path]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    assert (tmp_path / "defaults.md").read_text(encoding="utf-8") == (RESULTS / "defaults.md").read_text(
        encoding="utf-8"
    )


def test_the_documented_goals_are_those_measured():
    measured = (RESULTS / "defaults.md").read_text(encoding="utf-8").split("## Goals\n\n")[1].split("\n\n## ")[0]
    assert measured.count("\n") > 5
    assert measured in (ROOT / "docs/defaults.md").read_text(encoding="utf-8")
