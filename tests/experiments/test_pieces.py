"""Measurements that were stopped go on after their last piece, to the same bytes."""

import json
from contextlib import suppress

import pandas as pd
import pytest

from truly_sparse.experiments.jobs import measurement_job
from truly_sparse.experiments.measuring import pieces, saliency

from .made_up_images import configuration, prepare

OWN = {"datasets": ["toy"], "methods": ["dense"], "seeds": 3, "images": 10, "draws": 1, "noise": 0.0, "epsilon": 8}


@pytest.fixture
def config(tmp_path, monkeypatch):
    prepare(tmp_path)
    monkeypatch.chdir(tmp_path)
    own = OWN | {"members": 2}
    return configuration({"dense": {"model": "dense", "strategy": "independent"}}, {"saliency": own})


class Stopped(Exception):
    """As if the process had been killed."""


def test_a_measurement_that_was_stopped_goes_on_to_the_same_bytes(config, monkeypatch):
    whole = measurement_job.measure(config, "saliency")
    wanted = whole.read_bytes()
    whole.unlink()
    assert not whole.with_suffix(".pieces").exists()
    compared, made = saliency._compared, []

    def compare(settings, networks, data, seed):
        made.append(seed)
        if made == [0, 1]:
            raise Stopped
        return compared(settings, networks, data, seed)

    monkeypatch.setattr(saliency, "_compared", compare)
    with pytest.raises(Stopped):
        measurement_job.measure(config, "saliency")
    (kept,) = whole.with_suffix(".pieces").rglob("*.json")
    content = json.loads(kept.read_text())
    kept.write_text(json.dumps(content | {"seconds": 1000}))
    assert measurement_job.measure(config, "saliency").read_bytes() == wanted
    assert made == [0, 1, 1, 2]
    assert json.loads(whole.with_suffix(".json").read_text())["seconds"] > 1000
    assert not whole.with_suffix(".pieces").exists()


def test_a_piece_counts_under_its_own_facts_and_where_it_is_whole(tmp_path):
    frame = pd.DataFrame({"name": ["a", "b"], "number": [1, 2], "value": [0.1, float("nan")]})
    calls = []

    def make():
        calls.append(1)
        return frame

    def take(facts):
        with suppress(Stopped), pieces.keeping(tmp_path / "some.pieces", facts) as spent:
            before = spent()
            pd.testing.assert_frame_equal(pieces.piece(["toy", 0], make), frame)
            assert spent() >= before
            raise Stopped

    take({"code": 1})
    take({"code": 1})
    assert len(calls) == 1
    take({"code": 2})
    assert len(calls) == 2
    for file in (tmp_path / "some.pieces").rglob("*.json"):
        file.write_text(file.read_text()[:-9])
    take({"code": 1})
    assert len(calls) == 3
    assert pieces.piece(["toy", 0], make) is frame  # kept nowhere
