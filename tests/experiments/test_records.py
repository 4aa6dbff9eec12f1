"""Run records: which of them count, and what is kept."""

import json

import pytest

from truly_sparse.errors import UserError
from truly_sparse.experiments import golden, records
from truly_sparse.experiments.configuration import validate
from truly_sparse.experiments.grid import runs


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Four runs; the working folder is empty."""
    monkeypatch.chdir(tmp_path)
    block = {"datasets": ["wine"], "methods": ["rd_tse", "fd_tse"], "epsilon": [20], "seeds": [0, 1]}
    return validate(
        {
            "study": "journal",
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


def passed():
    """Stand for golden runs that gave the committed digests."""


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


def test_only_records_of_todays_settings_and_sources_count_where_golden_runs_say_nothing(config):
    specs = runs(config)
    commit(
        config,
        record_of(specs[0], golden=None),
        record_of(specs[1], golden=None, settings_hash="0" * 16),
        record_of(specs[2], golden=None, source_hash="0" * 16),
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
    stored = records.store(config, "table1", passed)
    assert str(stored) == "results/small/journal/records/table1.jsonl: 3 of 4 runs, 2 of them from this machine"
    lines = records.read(file)
    assert [records.path_of(line) for line in lines] == sorted(specs[i].path for i in (0, 1, 3))
    assert not any("note" in line for line in lines)
    before = file.stat().st_mtime_ns
    records.store(config, "table1", passed)
    assert file.stat().st_mtime_ns == before


@pytest.fixture
def overlapping(config):
    """The same, and a second experiment in which two of the runs have the settings of two of the first."""
    block = {
        "datasets": ["wine"],
        "methods": ["fd_tse"],
        "epsilon": [20],
        "prune_fraction": [0.2, 0.3],
        "seeds": [0, 1],
    }
    return validate(config | {"experiments": config["experiments"] | {"study": [block]}})


def test_a_run_with_the_settings_of_another_experiment_counts_for_both(overlapping):
    twins = [spec for spec in runs(overlapping, "table1") if spec.method == "fd_tse"]
    commit(overlapping, record_of(twins[0], note="committed"))
    finish(overlapping, twins[1], note="run folder")
    committed, missing = records.split(overlapping, "study")
    assert [(records.path_of(record), record["same_as"]) for record in committed] == [
        ("study/wine/fd_tse/eps20_zeta0.2/seed0", "table1/wine/fd_tse/eps20/seed0")
    ]
    assert len(missing) == 3
    found, absent = records.gather(overlapping, "study")
    assert [record["note"] for record in found] == ["committed", "run folder"]
    assert [spec.setting for spec in absent] == ["eps20_zeta0.3"] * 2
    assert records.split(overlapping | {"reuse_records": False}, "study")[0] == []


def test_a_run_of_its_own_comes_before_that_of_another_experiment(overlapping):
    own = next(iter(runs(overlapping, "study")))
    commit(overlapping, record_of(next(spec for spec in runs(overlapping) if spec.method == "fd_tse"), note="other"))
    file = records.records_file(overlapping, "study")
    file.write_text(json.dumps(record_of(own, note="own")) + "\n")
    assert records.split(overlapping, "study")[0][0]["note"] == "own"
    file.write_text(json.dumps(record_of(own, note="own", golden=None, source_hash="0" * 16)) + "\n")
    assert records.split(overlapping, "study")[0][0]["note"] == "other"


def test_store_keeps_a_line_for_every_run_of_the_experiment(overlapping):
    for spec in runs(overlapping, "table1"):
        finish(overlapping, spec)
    stored = records.store(overlapping, "study", passed)
    assert (stored.fresh, stored.lines, stored.runs) == (0, 2, 4)
    assert all(line["same_as"].startswith("table1/") for line in records.read(stored.file))
    # Trained for this experiment after all: that is what is kept.
    own = next(iter(runs(overlapping, "study")))
    finish(overlapping, own)
    records.store(overlapping, "study", passed)
    assert ["same_as" in line for line in records.read(stored.file)] == [False, True]


def test_same_settings_are_counted_once(overlapping):
    specs = runs(overlapping)
    assert len(specs) == 8
    assert len(records.by_settings(specs)) == 6
    assert records.distinct([record_of(spec) for spec in specs]) == [
        record_of(spec) for spec in specs if spec.setting != "eps20_zeta0.2"
    ]


@pytest.fixture
def changed(monkeypatch):
    """Say that a golden run of fd_tse changed in generation 2, one that every sparse run depends on in generation 1."""
    cases = {
        "plain": {"features": ["sparse"], "generation": 1},
        "fd_tse": {"features": ["sparse", "fd_tse"], "generation": 2},
        "rest": {"features": ["SET", "bfloat16", "dropout", "momentum", "weight_decay"], "generation": 0},
        "more": {"features": ["activation all_relu", "refinement comprehensive", "scaling standard"], "generation": 0},
        "last": {"features": ["selection best_validation"], "generation": 0},
        "rd_tse": {"features": ["rd_tse"], "generation": 0},
        "another": {"features": ["clip_norm"], "generation": 7},
    }
    monkeypatch.setattr(golden, "_committed", lambda: {"generation": 7, "cases": cases})
    clear = (golden._known, golden._concerning)
    for cached in clear:
        cached.cache_clear()
    yield
    for cached in clear:
        cached.cache_clear()


@pytest.mark.usefixtures("changed")
@pytest.mark.parametrize(("stored", "methods"), [(0, []), (1, ["rd_tse"]), (2, ["rd_tse", "fd_tse"]), (None, [])])
def test_a_committed_record_holds_until_a_golden_run_that_concerns_it_changes(config, stored, methods):
    specs = [spec for spec in runs(config) if spec.seed == 0]
    commit(config, *(record_of(spec, source_hash="0" * 16, golden=stored) for spec in specs))
    assert [record["method"] for record in records.split(config, "table1")[0]] == methods


@pytest.mark.usefixtures("changed")
def test_a_run_that_golden_runs_do_not_cover_counts_by_its_sources(config):
    config["training"]["warmup_epochs"] = 3
    spec = runs(config)[0]
    assert golden.generation(spec.features) is None
    assert records.holds(record_of(spec, golden=9), spec)
    assert not records.holds(record_of(spec, golden=9, source_hash="0" * 16), spec)


@pytest.mark.usefixtures("changed")
def test_what_is_stored_says_in_which_generation_and_only_after_a_check(config):
    def failed():
        raise UserError("1 golden run gave other digests")

    for spec in runs(config):
        finish(config, spec)
    with pytest.raises(UserError, match="1 golden run"):
        records.store(config, "table1", failed)
    assert not records.records_file(config, "table1").exists()
    file = records.store(config, "table1", passed).file
    assert [line["golden"] for line in records.read(file)] == [7] * 4
    for spec in runs(config):
        (records.run_folder(config, spec) / "run.json").unlink()
    records.store(config, "table1", failed)  # nothing of this machine, nothing to check


def test_a_run_of_other_sources_on_this_machine_does_not_count(config):
    finish(config, runs(config)[0], source_hash="0" * 16, golden=0)
    assert records.gather(config, "table1")[0] == []


def test_store_without_runs_writes_nothing(config):
    records.store(config, "table1", passed)
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


@pytest.fixture
def other_study(config):
    """The same runs for another study at the same preset, in an experiment of its own."""
    (block,) = config["experiments"]["table1"]
    return validate(config | {"study": "spas", "experiments": {"spas_table3": [block]}})


def test_a_run_that_another_study_has_counts_for_both(config, other_study):
    first, second, *rest = runs(config)
    commit(config, record_of(first, note="committed"))
    finish(config, second, note="run folder")
    finish(config, rest[0], settings_hash="0" * 16)
    committed, missing = records.split(other_study, "spas_table3")
    assert [(record["same_as"], record["note"]) for record in committed] == [(f"journal/{first.path}", "committed")]
    assert records.path_of(committed[0]) == runs(other_study)[0].path
    found, absent = records.gather(other_study, "spas_table3")
    assert [record["same_as"] for record in found] == [f"journal/{spec.path}" for spec in (first, second)]
    assert absent == missing[1:]
    # Its own run comes first, and another preset's does not count.
    finish(other_study, runs(other_study)[1], note="own")
    assert records.gather(other_study, "spas_table3")[0][1]["note"] == "own"
    assert records.gather(other_study | {"preset": "other"}, "spas_table3")[0] == []


def test_store_keeps_a_line_for_a_run_of_another_study(config, other_study):
    for spec in runs(config):
        finish(config, spec)
    stored = records.store(other_study, "spas_table3", passed)
    assert str(stored) == "results/small/spas/records/spas_table3.jsonl: 4 of 4 runs, 0 of them from this machine"
    assert {line["same_as"] for line in records.read(stored.file)} == {f"journal/{spec.path}" for spec in runs(config)}
    assert not records.split(other_study, "spas_table3")[1]


@pytest.mark.parametrize("line", ["[" * 100_000, '{"seed": ' + "1" * 5000 + "}"])
def test_json_that_cannot_be_read_is_refused_in_one_line(tmp_path, line):
    (tmp_path / "table1.jsonl").write_text(f"{line}\n")
    with pytest.raises(UserError, match=r"table1\.jsonl, line 1: not valid JSON") as error:
        records.read(tmp_path / "table1.jsonl")
    assert "\n" not in str(error.value)
