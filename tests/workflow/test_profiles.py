"""The profiles of clusters: every key explained, nothing of one cluster, and numbers that the records bear out."""

import json
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CLUSTERS = ["slurm", "cluster-generic"]


def text(name):
    return (ROOT / f"profiles/{name}/profile.yaml").read_text(encoding="utf-8")


def asked(name, rule, what, attempt=1):
    """Return what a job of a rule asks for at an attempt."""
    profile = yaml.safe_load(text(name))
    wanted = profile["default-resources"] | profile["set-resources"].get(rule, {})
    return eval(wanted[what], {"__builtins__": {}}, {"attempt": attempt})


def records():
    files = (ROOT / "results/journal/records").glob("*.jsonl")
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("name", CLUSTERS)
def test_every_key_is_explained(name):
    above = ""
    for line in text(name).splitlines():
        if line and not line.startswith((" ", "#")):
            key = line.split(":")[0]
            explained = above.startswith("#") or "#" in line
            # The pair of questions to the scheduler shares one comment.
            assert explained or key in ("slurm-init-seconds-before-status-checks", "max-status-checks-per-second"), key
        above = line if line.startswith("#") else ""


@pytest.mark.parametrize("name", CLUSTERS)
def test_nothing_belongs_to_one_cluster(name):
    profile = yaml.safe_load(text(name))
    settings = json.dumps(profile)
    assert "account=" not in settings
    assert "partition" not in settings
    assert "constraint" not in settings
    assert "cores" not in profile


@pytest.mark.parametrize("name", CLUSTERS)
@pytest.mark.parametrize("rule", ["dataset", "train", "measurement", "table", "figure", "pdf"])
def test_a_retry_asks_for_more(name, rule):
    assert yaml.safe_load(text(name))["retries"] >= 2
    for what in ("mem_mb", "runtime"):
        assert asked(name, rule, what, 2) > asked(name, rule, what, 1) > 0


@pytest.mark.parametrize("name", CLUSTERS)
def test_memory_and_time_are_twice_what_was_measured(name):
    memory = max(record["peak_memory_bytes"] for record in records()) / 2**20
    minutes = max(record["seconds"]["wall"] for record in records()) / 60
    assert 2 * memory < asked(name, "train", "mem_mb") < 5 * memory
    assert 2 * minutes < asked(name, "train", "runtime")
    sidecars = (ROOT / "results/journal/records").glob("*.json")
    measured = [json.loads(file.read_text(encoding="utf-8")).get("seconds", 0) for file in sidecars]
    assert 2 * max(measured) / 60 < asked(name, "measurement", "runtime")


def test_both_profiles_ask_for_the_same():
    for rule in ("dataset", "train", "measurement", "table"):
        for what in ("mem_mb", "runtime"):
            assert asked("slurm", rule, what) == asked("cluster-generic", rule, what)


def test_timings_get_a_node_of_their_own():
    assert yaml.safe_load(text("slurm"))["set-resources"]["measurement"]["slurm_extra"] == "'--exclusive'"
    assert yaml.safe_load(text("cluster-generic"))["set-resources"]["measurement"]["options"] == "'--exclusive'"
