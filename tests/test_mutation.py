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
    return asked


def test_an_outcome_says_what_was_changed_and_no_test_noticed(mutmut, tmp_path, capsys):
    outcome = tmp_path / "mutation.json"
    assert mutation.main(["--outcome", str(outcome)]) == 0
    assert "90.0% of 20 mutants were noticed, of 20 that there are" in capsys.readouterr().out
    found = json.loads(outcome.read_text())
    survived = found.pop("survived")
    assert found == {"seed": 0, "of": 20, "mutants": 20, "noticed": 0.9}
    assert set(survived) == {NAMES[3], NAMES[4]}
    assert survived[NAMES[3]] == ["-    return 1", "+    return 2"]
    assert [sorted(names) for names in mutmut] == [[], sorted(NAMES)]


def test_what_was_tested_is_not_tested_again_unless_no_test_had_noticed_it(mutmut, tmp_path):
    asked = ["--outcome", str(tmp_path / "mutation.json")]
    mutation.main([*asked, "--mutants", "8"])
    mutation.main(asked)
    mutation.main([*asked, "--again"])
    assert [len(names) for names in mutmut] == [0, 8, 0, 12, 0, 2]
    assert set(mutmut[-1]) == {NAMES[3], NAMES[4]}


@pytest.mark.usefixtures("mutmut")
def test_too_few_that_are_noticed_are_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(mutation, "LEAST", 0.91)
    assert mutation.main(["--outcome", str(tmp_path / "mutation.json")]) == 1


def test_mutants_are_of_what_coverage_is_measured_of():
    tool = tomllib.loads((mutation.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert tool["mutmut"]["only_mutate"] == tool["coverage"]["run"]["include"]
    assert set(tool["coverage"]["run"]["omit"]) < set(tool["mutmut"]["do_not_mutate"])
