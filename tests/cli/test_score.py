"""`score` on runs that were trained here: the metrics of their records, without training."""

import pandas as pd
import pytest

from truly_sparse.cli.main import main
from truly_sparse.experiments.configuration import load_configs
from truly_sparse.experiments.records import read, records_file


@pytest.fixture
def score(committed, monkeypatch, capsys, tmp_path):
    """Return a function that scores and returns (exit code, table, what was printed, what was said on stderr)."""
    monkeypatch.chdir(committed)
    file = tmp_path / "scores.csv"

    def call(*arguments):
        code = main(["score", *arguments, "--config", "config.yaml", "--output", str(file)])
        said = capsys.readouterr()
        return code, pd.read_csv(file) if file.exists() else None, said.out, said.err

    return call


def test_scores_are_those_of_the_records(score):
    code, table, said, errors = score("accuracy", "log_loss", "brier")
    assert code == 0, errors
    assert list(table) == ["study", "experiment", "dataset", "method", "setting", "seed", "metric", "value"]
    (config,) = load_configs(["config.yaml"])
    records = read(records_file(config, "tiny"))
    assert len(table) == 3 * len(records) == 6
    for record in records:
        of_run = table[table["method"] == record["method"]].set_index("metric")["value"]
        assert of_run["accuracy"] == record["accuracy"]["test"]
        for name in ("log_loss", "brier"):
            assert of_run[name] == pytest.approx(record["metrics"][name], rel=0.01)
            assert f"{of_run[name]:.4f}" in said


def test_what_cannot_be_written_is_known_before_the_work(committed, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(committed)
    assert main(["score", "no-such-metric", "--config", "config.yaml", "--output", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"error: {tmp_path} is a folder; name a file in it\n"


def test_names_that_are_unknown_are_one_line(score):
    assert score("accuracy", "--experiments", "tinny")[::3] == (
        2,
        'error: unknown experiment "tinny"; did you mean "tiny"?\n',
    )
    assert score("acuracy")[0] == 2


def test_runs_without_probabilities_are_counted_with_what_they_cost(score, committed):
    file = committed / "results/test/journal/records/tiny.npz"
    content = file.read_bytes()
    file.unlink()
    code, table, _, errors = score("accuracy")
    file.write_bytes(content)
    assert (code, table) == (2, None)
    (config,) = load_configs(["config.yaml"])
    hours = sum(record["seconds"]["cpu"] for record in read(records_file(config, "tiny"))) / 3600
    assert errors.startswith(
        f"journal: 0 of 2 runs have test probabilities; to train the others again costs {hours:.1f} core-hours"
    )
    assert errors.splitlines()[-1] == "error: no run has test probabilities to score"
