"""The committed records of the journal: of today's settings, with the numbers that were measured."""

import hashlib
import json
from pathlib import Path

import pytest

from truly_sparse.experiments import golden, measurements, records
from truly_sparse.experiments.configuration import load_config
from truly_sparse.experiments.grid import RunSpec, runs

ROOT = Path(__file__).parents[2]
RECORDS = ROOT / "results/journal/records"
#: Of each experiment's records without `NAMED`, as they were before settings and two experiments were renamed. A record
#: that is stored anew changes its experiment's, and only that.
DIGESTS = {
    "sensitivity": "9b70ad33b5ce0f53",
    "features": "f28984aeb40a1775",
    "baselines": "2e0821b0e246b739",
    "preprocessing": "7d06bafb5511ccdf",
    "protocol": "212d3872432b9ab6",
    "refinement": "1821be8bab13f673",
    "shape": "773572f535572b43",
    "table1": "26296adb39a4a9fe",
    "table2": "ba88a8a775fd976e",
}
#: What the renaming of settings concerned, and what renamed experiments were called.
NAMED = {"settings", "settings_hash", "failure"}
CALLED = {"sensitivity": "choices", "baselines": "practice"}


@pytest.fixture(scope="module")
def config():
    return load_config(ROOT / "config/journal.yaml")


def test_every_experiment_has_its_records():
    assert {file.stem for file in RECORDS.glob("*.jsonl")} == DIGESTS.keys()


@pytest.mark.parametrize("experiment", DIGESTS)
def test_every_run_kept_its_numbers(experiment):
    digest = hashlib.sha256()
    for record in records.read(RECORDS / f"{experiment}.jsonl"):
        assert record.keys() >= NAMED
        assert record["failure"] is None
        rest = {key: value for key, value in record.items() if key not in NAMED}
        rest["experiment"] = CALLED.get(experiment, experiment)
        digest.update(json.dumps(rest, sort_keys=True).encode())
    assert digest.hexdigest()[:16] == DIGESTS[experiment]


@pytest.mark.parametrize("experiment", DIGESTS)
def test_every_record_is_of_todays_settings(config, experiment):
    specs = {spec.path: spec for spec in runs(config, experiment)}
    found = records.read(RECORDS / f"{experiment}.jsonl")
    assert {records.path_of(record) for record in found} == specs.keys()
    for record in found:
        spec = specs[records.path_of(record)]
        said = RunSpec(*(record[key] for key in ("experiment", "dataset", "method", "setting", "seed", "settings")))
        assert record["settings"] == spec.settings
        assert record["settings_hash"] == said.settings_hash == spec.settings_hash
        assert records.holds(record, spec)


def test_every_measurement_is_of_todays_settings(config):
    for name, settings in config["measurements"].items():
        about = json.loads((RECORDS / f"{name}.json").read_text(encoding="utf-8"))
        assert about["settings"] == settings
        assert about["settings_hash"] == measurements.hashes(config, name)["settings_hash"]
        assert golden.holds(about.get("golden", 0), measurements.features(config, name))
