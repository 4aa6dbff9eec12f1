"""A blind re-check: which runs a seed draws, and what they cost."""

import hashlib
from pathlib import Path
from types import SimpleNamespace

from truly_sparse.experiments import recheck
from truly_sparse.experiments.configuration import load_configs
from truly_sparse.experiments.recheck import Candidate, draw

ROOT = Path(__file__).parents[2]


def candidate(study, method, seed, seconds=1.0):
    settings = {"model": "sparse", "strategy": method, "data": {"split": "random"}}
    spec = SimpleNamespace(path=f"table/{method}/seed{seed}", settings=settings)
    return Candidate({"study": study}, {"seconds": {"cpu": seconds}}, spec)


FOUND = [
    candidate(study, method, seed)
    for study, methods in (("one", "abc"), ("two", "ab"), ("three", "d"))
    for method in methods
    for seed in range(50 if study == "one" else 2)
]


def test_every_study_comes_first_then_every_kind_then_all_again():
    drawn = draw(FOUND, 8, "7")
    assert {one.kind[0] for one in drawn[:3]} == {"one", "two", "three"}
    assert len({one.kind for one in drawn[:6]}) == 6
    assert len({one.name for one in drawn}) == 8
    assert draw(FOUND[::-1], 8, "7") == drawn
    assert draw(FOUND, 8, "8") != drawn
    assert len(draw(FOUND, 1000, "7")) == len(FOUND)


def test_a_run_is_the_first_of_its_kind_by_a_digest_that_anyone_can_compute():
    first = next(one for one in draw(FOUND, 6, "7") if one.kind == ("one", "sparse", "a"))
    digests = {seed: hashlib.sha256(f"7/one/table/a/seed{seed}".encode()).hexdigest() for seed in range(50)}
    assert first.name == f"one/table/a/seed{min(digests, key=digests.get)}"
    assert recheck.digest("7", first.name) == min(digests.values())


def test_a_run_costs_what_its_parent_does_though_another_run_had_trained_that():
    children = {"seconds": {"parent": 30.0, "children": 4.0}}
    alone, adopted, plain = ({"seconds": {"cpu": cpu}} for cpu in (35.0, 5.0, 5.0))
    records = alone | {"children": children}, adopted | {"children": children}, plain
    assert [Candidate({}, record, None).seconds for record in records] == [35.0, 34.0, 5.0]


def test_committed_runs_are_candidates_once_and_every_study_has_some(monkeypatch):
    monkeypatch.chdir(ROOT)
    found = recheck.candidates(load_configs())
    assert len({(one.spec.settings_hash, one.name) for one in found}) == len(found) > 3000
    assert {one.config["study"] for one in found} == {"across", "journal", "spas", "thesis", "van_engers", "whitaker"}
    drawn = draw(found, 60, "any word")
    assert len({one.kind for one in drawn}) == len({one.kind for one in found}) <= 60
    for must in recheck.expectations(drawn, found):
        assert must.interval is None or 0 <= must.interval[0] < must.interval[1] <= 1
