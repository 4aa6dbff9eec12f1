"""`recheck` on real runs: the same bytes, and every way to miss them."""

import json

import pytest

from truly_sparse.cli.main import main
from truly_sparse.experiments import probabilities
from truly_sparse.experiments.configuration import load_configs


@pytest.fixture
def check(committed, monkeypatch, capsys):
    """Return a function that re-checks and returns (exit code, what was printed, what was said on stderr)."""
    monkeypatch.chdir(committed)

    def call(*arguments):
        code = main(["recheck", "--seed", "7", "--config", "config.yaml", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_runs_come_out_the_same_and_leave_nothing(check, committed):
    code, said, errors = check()
    assert code == 0, errors
    assert "2 of 2 runs, 2 of 2 kinds of 1 studies" in said
    assert "1 of 1 sparse runs gave the same bytes (1 to the last digit of every measure)" in said
    assert "1 of 1 models on BLAS came out inside their intervals (1 with the same bytes)" in said
    assert not list(committed.glob("results/test-recheck/journal/runs/**/*.*"))


def test_what_a_sample_costs_is_said_and_what_a_limit_leaves_out(check):
    code, said, _ = check("--dry-run")
    assert code == 0
    assert "same bytes" in said
    assert "core-minutes" in said
    assert "gave" not in said
    assert "raise --minutes" in check("--minutes", "0")[2]
    assert "ask for at least 1" in check("--runs", "0")[2]


@pytest.fixture
def records(committed):
    """Return the file of the records, which gets its content back."""
    file = committed / "results/test/journal/records/tiny.jsonl"
    content = file.read_text()
    yield file
    file.write_text(content)


def test_a_sparse_run_that_comes_out_differently_is_named_with_what_differs(check, records):
    first, second = map(json.loads, records.read_text().splitlines())
    first["loss"]["final_train"] += 1e-9
    second["accuracy"]["test"] = 0.01
    records.write_text(f"{json.dumps(first)}\n{json.dumps(second)}\n")
    code, said, errors = check()
    assert code == 2
    assert "journal/tiny/toy/fd_tse/eps3/seed0: MISSED: other loss" in said
    assert "% outside 0.00 to" in said
    assert "0 of 1 sparse runs" in said
    assert errors.splitlines()[-1].startswith("error: 2 runs came out differently: journal/tiny/toy/")


def test_other_test_probabilities_are_a_miss(check):
    (config,) = load_configs(["config.yaml"])
    file = probabilities.file_of(config, "tiny")
    content, kept = file.read_bytes(), probabilities.codes(file)
    kept["tiny/toy/fd_tse/eps3/seed0"][0] ^= 1
    file.write_bytes(probabilities.packed(kept))
    code, said, _ = check("--runs", "2")
    file.write_bytes(content)
    assert code == 2
    assert "MISSED: other probabilities" in said


def test_other_data_are_said_and_no_miss(check, records):
    lines = [json.loads(line) for line in records.read_text().splitlines()]
    for line in lines:
        line["data"]["sha256"] = "0"
    records.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    code, said, errors = check()
    assert code == 2
    assert "2 runs could not be trained here" in said
    assert "none of the runs could be trained here" in errors
