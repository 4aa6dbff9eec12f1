"""Checkpoints of a run: used only by the very same run on the same kind of processor, and never long ago."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from truly_sparse.cli.main import main
from truly_sparse.experiments import networks
from truly_sparse.training import checkpoint

RUN = "tiny/toy/fd_tse/eps3/seed0"
FOLDER = f"results/test/journal/runs/{RUN}"

# Leaves a run as a kill leaves it: with a checkpoint, and without a record.
KILLED = """
import os, sys
from truly_sparse.cli.main import main
from truly_sparse.experiments import networks
from truly_sparse.training import checkpoint
networks.CHECKPOINT_SECONDS = networks.CHECKPOINT_SHARE = 0
save = checkpoint.save
def saved(trainer, path, identity):
    save(trainer, path, identity)
    if trainer.progress.epoch == 25:
        os._exit(9)
checkpoint.save = saved
main(["run", sys.argv[1], "--config", "config.yaml"])
"""


def python(place, *arguments):
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    return subprocess.run([sys.executable, *arguments], cwd=place, capture_output=True, text=True, env=environment)


@pytest.fixture
def finish(monkeypatch, capfd):
    """Return a function that runs again and returns what was said."""

    def run(place):
        monkeypatch.chdir(place)
        code = main(["run", RUN, "--config", "config.yaml"])
        said = capfd.readouterr().err
        assert code == 0, said
        return said

    return run


@pytest.fixture(scope="module")
def template(tmp_path_factory, make_place):
    """A run that was killed after epoch 25 of 40, and the predictions it should end in."""
    place = make_place(tmp_path_factory.mktemp("killed"))
    folder = place / FOLDER
    assert python(place, "-m", "truly_sparse", "run", RUN, "--config", "config.yaml").returncode == 0
    expected = (folder / "predictions.npz").read_bytes()
    for path in folder.iterdir():
        path.unlink()
    assert python(place, "-c", KILLED, RUN).returncode == 9
    assert [path.name for path in folder.iterdir()] == ["checkpoint.npz"]
    return place, expected


@pytest.fixture
def killed(template, tmp_path):
    """A copy of it."""
    shutil.copytree(template[0], tmp_path / "place")
    return tmp_path / "place", template[1]


def rewrite(path, change):
    """Write a checkpoint again with other facts or arrays, and the checksum that belongs to them."""
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    facts = json.loads(arrays.pop("facts").tobytes())
    del facts["sha256"]
    change(facts, arrays)
    facts["sha256"] = checkpoint.digest(facts, arrays)
    np.savez(path, facts=np.frombuffer(json.dumps(facts).encode(), np.uint8), **arrays)


def test_the_same_run_goes_on_and_ends_in_the_same_bytes(finish, killed):
    place, expected = killed
    assert "going on after epoch 25" in finish(place)
    assert (place / FOLDER / "predictions.npz").read_bytes() == expected


@pytest.mark.parametrize(
    ("fact", "words"),
    [
        ("settings_hash", "it is of another settings hash"),
        ("source_hash", "it is of another source hash"),
        ("data", "it is of another data"),
        ("processor", "it is of another processor"),
        ("blas", "it is of another blas"),
    ],
)
def test_one_of_another_configuration_version_data_or_processor_is_left_alone_and_says_why(finish, killed, fact, words):
    place, expected = killed
    rewrite(place / FOLDER / "checkpoint.npz", lambda facts, _: facts["identity"].update({fact: "another"}))
    assert f"checkpoint not used: {words}" in finish(place)
    assert (place / FOLDER / "predictions.npz").read_bytes() == expected


def test_one_of_another_format_is_left_alone_and_says_why(finish, killed):
    place, expected = killed
    rewrite(place / FOLDER / "checkpoint.npz", lambda facts, _: facts.update(format=1))
    assert f"checkpoint not used: its format 1 is not {checkpoint.FORMAT}" in finish(place)
    assert (place / FOLDER / "predictions.npz").read_bytes() == expected


def copied(arrays, name):
    """Add the arrays of the first member under another name."""
    own = {part: array for part, array in arrays.items() if part.startswith("member0/")}
    arrays |= {part.replace("member0", name): array for part, array in own.items()}


def with_parent(facts, arrays):
    """Add a parent, which an ensemble without stages of children has not."""
    facts["parent"] = facts["members"][0]
    copied(arrays, "parent")


def with_members(facts, arrays):
    """Add two members, more than there can be between two ends of one."""
    for number in (1, 2):
        facts["members"].append(facts["members"][0])
        copied(arrays, f"member{number}")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda facts, _: facts["progress"].update(epoch=-1), "its counters are not valid"),
        (lambda facts, _: facts["progress"].update(epoch=41), "its epoch is not valid"),
        (lambda facts, _: facts["progress"]["history"].pop(), "its epoch is not valid"),
        (with_members, "its members do not fit its epoch"),
        (with_parent, "its parent does not fit its epoch"),
        (
            lambda facts, arrays: (facts.update(earlier=[9]), arrays.update({"earlier/9": np.arange(3)})),
            "it is damaged (links of earlier members belong to no block)",
        ),
        (
            lambda facts, arrays: (facts.update(earlier=[0]), arrays.update({"earlier/0": np.array([10**9])})),
            "it is damaged (a link of earlier members leads nowhere)",
        ),
    ],
)
def test_facts_that_fit_no_run_are_left_alone(finish, killed, change, words):
    place, _ = killed
    rewrite(place / FOLDER / "checkpoint.npz", change)
    assert words in finish(place)


@pytest.mark.parametrize("at", [0.1, 0.5, 0.9])
def test_a_flipped_bit_or_a_cut_is_noticed(finish, killed, at):
    place, expected = killed
    path = place / FOLDER / "checkpoint.npz"
    content = bytearray(path.read_bytes())
    content[int(at * len(content))] ^= 4
    path.write_bytes(content)
    said = finish(place)
    assert "checkpoint not used" in said or "going on after epoch 25" in said  # a bit of padding means nothing
    assert (place / FOLDER / "predictions.npz").read_bytes() == expected


def test_a_half_written_one_is_noticed(finish, killed):
    place, expected = killed
    path = place / FOLDER / "checkpoint.npz"
    path.write_bytes(path.read_bytes()[:-1000])
    assert "checkpoint not used: it is damaged" in finish(place)
    assert (place / FOLDER / "predictions.npz").read_bytes() == expected


def test_no_more_than_an_interval_and_an_epoch_lie_between_two(finish, place, monkeypatch):
    """The clock ticks one second per epoch, and checkpoints are 20 s apart."""
    (place / "config.yaml").write_text((place / "config.yaml").read_text().replace("epochs: 40", "epochs: 100"))

    class Clock:
        now = 0.0

        def monotonic(self):
            Clock.now += 0.5  # asked once in an epoch, twice where one is saved
            return Clock.now

    saved = [Clock.now]
    real = checkpoint.save

    def save(*arguments):
        saved.append(Clock.now)
        real(*arguments)

    assert networks.CHECKPOINT_SECONDS == 20
    monkeypatch.setattr(networks, "CHECKPOINT_SHARE", 1)
    monkeypatch.setattr(networks, "time", Clock())
    monkeypatch.setattr(checkpoint, "save", save)
    finish(place)
    assert len(saved) >= 3
    assert max(later - earlier for earlier, later in zip(saved, saved[1:], strict=False)) <= 21
