"""The mutation score: how mutants are drawn, what is kept of them, when they are too many (`mutation.py`)."""

import json
import tomllib

import pytest

from . import mutation

NAMES = [f"truly_sparse.files.x_atomic__mutmut_{number}" for number in range(20)]


@pytest.fixture
def mutmut(monkeypatch):
    """Stand for mutmut, which is no part of any lock: two mutants are noticed by no test."""
    ends, asked = dict.fromkeys(NAMES), []

    def say(*arguments):
        if arguments[0] == "show":
            return f"# {arguments[1]}: survived\n--- a\n+++ b\n@@ -1 +1 @@\n def f():\n-    return 1\n+    return 2\n"
        asked.append(names := [one for one in arguments[3:] if one in ends])
        ends.update({name: 0 if name == NAMES[3] else 33 if name == NAMES[4] else 1 for name in names})
        return ""

    monkeypatch.setattr(mutation, "mutmut", say)
    monkeypatch.setattr(mutation, "codes", lambda: dict(ends))
    monkeypatch.setattr(mutation, "STRETCH", 8)
    return asked


def test_an_outcome_says_what_was_changed_and_no_test_noticed(mutmut, tmp_path, capsys):
    outcome = tmp_path / "mutation.jsonl"
    assert mutation.main(["--outcome", str(outcome)]) == 0
    assert "90.0% of 20 mutants were noticed, of 20 that there are" in capsys.readouterr().out
    lines = [json.loads(line) for line in outcome.read_text().splitlines()]
    assert [line["mutants"] for line in lines] == [8, 8, 4]
    survived = {name: change for line in lines for name, change in line["survived"].items()}
    assert set(survived) == {NAMES[3], NAMES[4]}
    assert survived[NAMES[3]] == ["-    return 1", "+    return 2"]
    assert sorted(name for names in mutmut for name in names) == sorted(NAMES)


def test_the_same_command_goes_on_from_an_outcome_and_from_what_mutmut_has_tested(mutmut, tmp_path):
    outcome = tmp_path / "mutation.jsonl"
    mutation.main(["--mutants", "8", "--outcome", str(outcome)])
    first = outcome.read_text()
    mutation.main(["--outcome", str(outcome)])
    assert [len(names) for names in mutmut] == [0, 8, 0, 8, 4]
    whole = outcome.read_text()
    assert whole.startswith(first)
    outcome.write_text(first)
    mutation.main(["--outcome", str(outcome)])
    assert mutmut[5:] == [[]]
    assert [one["survived"] for one in map(json.loads, outcome.read_text().splitlines())] == [
        one["survived"] for one in map(json.loads, whole.splitlines())
    ]
    with pytest.raises(SystemExit, match="another seed"):
        mutation.main(["--outcome", str(outcome), "--seed", "1"])


@pytest.mark.usefixtures("mutmut")
def test_too_few_that_are_noticed_are_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(mutation, "LEAST", 0.91)
    assert mutation.main(["--outcome", str(tmp_path / "mutation.jsonl")]) == 1


def test_mutants_are_of_what_coverage_is_measured_of():
    tool = tomllib.loads((mutation.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert tool["mutmut"]["only_mutate"] == tool["coverage"]["run"]["include"]
    assert set(tool["coverage"]["run"]["omit"]) < set(tool["mutmut"]["do_not_mutate"])
