"""Run records: which of them count, and what is kept."""

import json

import pytest

from truly_sparse.errors import UserError
from truly_sparse.experiments import records
from truly_sparse.experiments.config import validate
from truly_sparse.experiments.grid import runs


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Four runs; the working folder is empty."""
    monkeypatch.chdir(tmp_path)
    block = {"datasets": ["wine"], "methods": ["rd_tse", "fd_tse"], "epsilon": [20], "seeds": [0, 1]}
    return validate(
        {
            "preset": "small",
            "datasets": {"wine": {}},
            "methods": {name: {"model": "sparse", "strategy": name} for name in ("rd_tse", "fd_tse")},
            "experiments": {"table1": [block]},
        }
    )


def record_of(spec, **replaced):
    return {
        "experiment": spec.experiment,
        "dataset": spec.dataset,
        "method": spec.method,
        "setting": spec.setting,
        "seed": spec.seed,
        "status": "ok",
        "settings_hash": spec.settings_hash,
        "source_hash": spec.hashes["source_hash"],
    } | replaced


def finish(config, spec, **replaced):
    folder = records.run_folder(config, spec)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps(record_of(spec, **replaced)))


def commit(config, *lines):
    file = records.records_file(config, "table1")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return file


def test_nothing_there_means_everything_missing(config):
    recorded, missing = records.split(config, "table1")
    assert recorded == []
    assert [spec.path for spec in missing] == [spec.path for spec in runs(config)]


def test_only_records_of_todays_settings_and_sources_count(config):
    specs = runs(config)
    commit(
        config,
        record_of(specs[0]),
        record_of(specs[1], settings_hash="0" * 16),
        record_of(specs[2], source_hash="0" * 16),
    )
    recorded, missing = records.split(config, "table1")
    assert [records.path_of(record) for record in recorded] == [specs[0].path]
    assert missing == specs[1:]
    assert records.split(config | {"reuse_records": False}, "table1") == ([], specs)


def test_run_folders_fill_in_in_the_order_of_the_grid(config):
    specs = runs(config)
    commit(config, record_of(specs[1], note="committed"))
    finish(config, specs[0])
    finish(config, specs[1], note="run folder")
    finish(config, specs[2], settings_hash="0" * 16)
    found, absent = records.gather(config, "table1")
    assert [records.path_of(record) for record in found] == [specs[0].path, specs[1].path]
    assert found[1]["note"] == "committed"
    assert absent == specs[2:]


def test_store_merges_sorts_and_drops_what_left_the_grid(config):
    specs = runs(config)
    file = commit(config, record_of(specs[3]), record_of(specs[0], note="old"), record_of(specs[0], seed=7))
    finish(config, specs[0])
    finish(config, specs[1], status="diverged")
    finish(config, specs[2], source_hash="0" * 16)
    stored = records.store(config, "table1")
    assert str(stored) == "results/small/records/table1.jsonl: 3 of 4 runs, 2 of them from this machine"
    lines = records.read(file)
    assert [records.path_of(line) for line in lines] == sorted(specs[i].path for i in (0, 1, 3))
    assert not any("note" in line for line in lines)
    before = file.stat().st_mtime_ns
    records.store(config, "table1")
    assert file.stat().st_mtime_ns == before


def test_store_without_runs_writes_nothing(config):
    records.store(config, "table1")
    assert not records.records_file(config, "table1").exists()


@pytest.mark.parametrize("damaged", ['{"experiment": "table1"', "[]", "3", '{"experiment": "table1"}'])
def test_a_damaged_line_is_named(config, damaged):
    file = commit(config, record_of(runs(config)[0]))
    file.write_text(f"{file.read_text()}\n{damaged}\n")
    with pytest.raises(UserError, match=r"table1\.jsonl, line 3: not "):
        records.read(file)


def test_a_damaged_run_is_named(config):
    spec = runs(config)[0]
    finish(config, spec)
    file = records.run_folder(config, spec) / "run.json"
    file.write_bytes(file.read_bytes()[:20])
    with pytest.raises(UserError, match=r"run\.json: not valid JSON .*restore the file or delete it"):
        records.gather(config, "table1")
