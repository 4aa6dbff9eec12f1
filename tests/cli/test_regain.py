"""`regain` on real runs: the test probabilities that a training gave are what a later one gives."""

import json

import pytest

from truly_sparse.cli.main import main
from truly_sparse.experiments import networks, probabilities
from truly_sparse.experiments.configuration import load_configs
from truly_sparse.experiments.progress import Reporter


@pytest.fixture
def kept(committed, monkeypatch):
    """Return the file of the test probabilities, which gets its content back."""
    monkeypatch.chdir(committed)
    (config,) = load_configs(["config.yaml"])
    file = probabilities.file_of(config, "tiny")
    content = file.read_bytes()
    yield file
    file.write_bytes(content)


@pytest.fixture
def regain(capsys):
    """Return a function that trains again what lacks probabilities, and returns (exit code, output, errors)."""

    def call(*arguments):
        code = main(["regain", "tiny", "--config", "config.yaml", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_what_was_lost_comes_back_to_the_byte_and_nothing_else_is_trained(regain, kept, committed, records):
    content = kept.read_bytes()
    code, said, _ = regain()
    assert code == 0
    assert said.startswith("0 runs lack test probabilities")
    kept.unlink()
    hours = sum(json.loads(line)["seconds"]["cpu"] for line in records.read_text().splitlines()) / 3600
    lacking = f"2 runs lack test probabilities; their records say {hours:.1f} core-hours\n"
    assert regain("--dry-run")[:2] == (0, lacking)
    assert not kept.exists()
    code, said, errors = regain()
    assert code == 0, errors
    assert said.count("the same bytes") == 2
    assert kept.read_bytes() == content
    assert not list(committed.glob("results/test-recheck/journal/runs/**/*.*"))


def test_one_run_that_lacks_them_is_added_to_the_others(regain, kept):
    content, codes = kept.read_bytes(), probabilities.codes(kept)
    path = sorted(codes)[0]
    kept.write_bytes(probabilities.packed({name: own for name, own in codes.items() if name != path}))
    code, said, _ = regain()
    assert code == 0
    assert f"1 of 1: journal/{path}: the same bytes" in said
    assert kept.read_bytes() == content


def test_a_run_that_was_stopped_goes_on_where_it_was_and_gives_the_same_bytes(regain, kept, monkeypatch):
    content, tell = kept.read_bytes(), Reporter.update

    def stop(reporter, done, latest):
        tell(reporter, done, latest)
        if done == 3:
            raise KeyboardInterrupt

    kept.unlink()
    monkeypatch.setattr(networks, "CHECKPOINT_SECONDS", 0)
    monkeypatch.setattr(networks, "CHECKPOINT_SHARE", 0)
    monkeypatch.setattr(Reporter, "update", stop)
    code, _, errors = regain()
    assert code == 130
    assert errors.endswith("error: interrupted\n")
    monkeypatch.setattr(Reporter, "update", tell)
    code, said, errors = regain()
    assert (code, said.count("the same bytes")) == (0, 2)
    assert errors.count("going on after epoch") == 1
    assert kept.read_bytes() == content


@pytest.mark.parametrize(
    ("change", "said_of_it"), [({"links": [1]}, "MISSED: other links"), ({"correct": ""}, "other correct")]
)
def test_a_sparse_run_that_comes_out_differently_keeps_nothing(regain, kept, records, change, said_of_it):
    first, second = map(json.loads, records.read_text().splitlines())
    records.write_text(f"{json.dumps(first | change)}\n{json.dumps(second)}\n")
    kept.unlink()
    code, said, errors = regain()
    assert code == 2
    assert said_of_it in said
    assert errors.splitlines()[-1].startswith("error: nothing is kept of 1 of 2 runs, the first journal/tiny/toy/")
    assert len(probabilities.codes(kept)) == 1


def test_a_model_on_blas_with_other_right_rows_keeps_nothing(regain, kept, records):
    lines = [json.loads(line) for line in records.read_text().splitlines()]
    for line in lines:
        if line["settings"]["model"] != "sparse":
            line["correct"] = ""
    records.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    kept.unlink()
    code, said, _ = regain()
    assert code == 2
    assert "MISSED: other test rows are right, so that nothing is kept" in said
    assert len(probabilities.codes(kept)) == 1


@pytest.mark.usefixtures("kept")
def test_an_experiment_that_does_not_exist_is_named(capsys):
    assert main(["regain", "tiney", "--config", "config.yaml"]) == 2
    assert capsys.readouterr().err == 'error: unknown experiment "tiney"; did you mean "tiny"?\n'
