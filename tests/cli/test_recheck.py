"""`recheck` on real runs: the same bytes, and every way to miss them."""

import json
from types import SimpleNamespace

import pytest

from truly_sparse.cli.main import main
from truly_sparse.cli.recheck import judge
from truly_sparse.errors import UserError
from truly_sparse.experiments import probabilities
from truly_sparse.experiments.comparison import Expected
from truly_sparse.experiments.configuration import load_configs
from truly_sparse.experiments.recheck import Outcome


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
    assert said.splitlines()[-1] == "2 of 2 runs were trained"
    assert not list(committed.glob("results/test-recheck/journal/runs/**/*.*"))


def test_what_a_sample_costs_is_said_and_what_a_limit_leaves_out(check):
    code, said, _ = check("--dry-run")
    assert code == 0
    assert "same bytes" in said
    assert "core-minutes" in said
    assert "gave" not in said
    assert "raise --minutes" in check("--minutes", "0")[2]
    assert "ask for at least 1" in check("--runs", "0")[2]


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


def test_a_run_that_could_not_be_trained_fails_unless_it_may_be_left_out(check, records):
    first, second = map(json.loads, records.read_text().splitlines())
    second["data"]["sha256"] = "0"
    records.write_text(f"{json.dumps(first)}\n{json.dumps(second)}\n")
    code, said, errors = check()
    assert code == 1
    assert said.splitlines()[-1] == "1 of 2 runs were trained; 1 runs could not be trained here"
    (line,) = (line for line in errors.splitlines() if line.startswith("error: "))
    assert line.startswith("error: 1 of 2 runs were not trained (--leave-out-untrained lets that pass); the first, ")
    code, left_out, errors = check("--leave-out-untrained")
    assert code == 0
    assert "error: " not in errors
    assert left_out.splitlines()[-1] == said.splitlines()[-1]


def test_an_outcome_is_a_line_that_can_be_committed(check, records, tmp_path):
    file = tmp_path / "outcome.jsonl"
    assert check("--outcome", str(file))[0] == 0
    first, second = map(json.loads, records.read_text().splitlines())
    first["loss"]["final_train"] += 1e-9
    second["data"]["sha256"] = "0"
    records.write_text(f"{json.dumps(first)}\n{json.dumps(second)}\n")
    assert check("--outcome", str(file), "--minutes", "9")[0] == 2
    well, badly = map(json.loads, file.read_text().splitlines())
    assert {name: well[name] for name in ("seed", "minutes", "runs", "sparse", "blas", "not_trained", "missed")} == {
        "seed": "7",
        "minutes": None,
        "runs": 2,
        "sparse": {"same": 1, "of": 1},
        "blas": {"inside": 1, "of": 1},
        "not_trained": 0,
        "missed": [],
    }
    assert badly["sparse"] == {"same": 0, "of": 1}
    assert badly["blas"] == {"inside": 0, "of": 0}
    assert (badly["minutes"], badly["not_trained"]) == (9, 1)
    assert badly["missed"] == ["journal/tiny/toy/fd_tse/eps3/seed0"]
    assert {"commit", "dirty", "version"} <= well.keys()
    assert set(well["processor"]) == {"name", "vendor", "family", "model", "instructions"}


def test_an_outcome_that_cannot_be_written_is_said_before_anything_is_trained(check, tmp_path):
    code, said, errors = check("--outcome", str(tmp_path / "none/outcome.jsonl"))
    assert code == 2
    assert "1 of 2: " not in said
    assert errors.splitlines()[-1].startswith("error: No such file or directory")


def outcome(number, interval, missed=""):
    return Outcome(SimpleNamespace(name=f"run {number}"), Expected({}, None, interval), "", missed, not missed)


@pytest.mark.parametrize(
    ("sparse", "missed", "others", "passes"),
    [
        (0, 0, 20, True),
        (0, 1, 20, False),
        (0, 1, 33, False),
        (0, 1, 34, True),
        (0, 2, 66, False),
        (0, 3, 100, True),
        (0, 4, 100, False),
        (1, 0, 1000, False),
    ],
)
def test_of_the_models_on_blas_97_in_100_must_be_inside_and_of_sparse_runs_all(sparse, missed, others, passes, capsys):
    outcomes = [outcome(number, None, "other loss" if number < sparse else "") for number in range(50)]
    outcomes += [outcome(50 + number, (0.1, 0.2), "outside" if number < missed else "") for number in range(others)]
    if passes:
        assert judge(outcomes, leave_out=False) == 0
        assert f"{others - missed} of {others} models on BLAS" in capsys.readouterr().out
    else:
        with pytest.raises(UserError, match=f"^{sparse + missed} runs came out differently: run "):
            judge(outcomes, leave_out=True)
