"""The benchmark on tables: honest splits, the search of the tuned, what tables give away, and the report of it all."""

import csv
import importlib
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truly_sparse.files import sha256

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "benchmarks"
RESULTS = BENCHMARKS / "results"


@pytest.fixture(scope="module")
def bench():
    """Return what imports a module of the benchmarks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield importlib.import_module


def lines_of(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def table_of(bench, columns, y, **others):
    """Return a table of columns in the benchmarks' form."""
    x = np.stack(list(columns.values()), axis=1).astype(np.float32)
    return bench("splits").Table(list(columns), x, np.asarray(y), others, ["no", "yes"], None)


# Splits.


def parts_of(bench, name, table, seed):
    """Return the parts of an honest split after looking whether they are a split at all."""
    parts = bench("splits").rows_of(name, table, seed, "honest")
    assert sorted(np.concatenate(parts)) == list(range(len(table.y)))
    return parts


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", ["eye_movements", "gesture"])
def test_no_group_is_on_two_sides(bench, name, seed):
    rng = np.random.default_rng(seed)
    groups, y = rng.integers(0, 40, 600), rng.integers(0, 2, 600)
    column = bench("splits").GROUPS[name]
    table = table_of(bench, {"a": rng.normal(size=600)}, y, **{column: groups})
    parts = parts_of(bench, name, table, seed)
    own = [set(groups[rows]) for rows in parts]
    assert sum(map(len, own)) == len(set(groups))
    assert 120 <= len(parts[2]) < 160
    assert not np.array_equal(parts[2], parts_of(bench, name, table, seed + 5)[2])


def test_what_is_held_out_by_days_comes_last(bench):
    rng = np.random.default_rng(0)
    days = rng.permutation(np.repeat(np.arange(50) / 49, 10))
    table = table_of(bench, {"date": days}, rng.integers(0, 2, 500))
    train, validation, test = parts_of(bench, "electricity", table, 0)
    known = table.column("date")
    assert known[train].max() < known[validation].min() <= known[validation].max() < known[test].min()
    assert [len(set(known[rows])) for rows in (train, validation, test)] == [32, 8, 10]
    for one, other in zip(parts_of(bench, "electricity", table, 1), (train, validation, test), strict=True):
        assert np.array_equal(one, other)


# The models and the search.


def test_a_search_is_a_pure_function_of_its_seed_within_its_ranges(bench):
    models = bench("tabular_models")
    tuned = [name for name in models.MODELS if name.endswith(models.TUNED)]
    assert len(tuned) == 4
    for name in tuned:
        first, *others = models.trials(name)
        assert models.trials(name) == [first, *others]
        assert first == {}
        assert len(others) == 29
        for key, (low, high, how) in models.MODELS[name].ranges.items():
            values = [settings[key] for settings in others]
            assert all(low <= value <= high for value in values)
            assert all(isinstance(value, int) for value in values) == how.endswith("whole")
            assert low == high or len(set(values)) > 3
            if how.startswith("log"):
                assert sum(value < math.sqrt(low * high) for value in values) in range(6, 24)
    assert not [name for name in models.MODELS if models.MODELS[name].ranges and name not in tuned]


def test_the_best_of_a_search_is_by_accuracy_then_log_loss(bench, tmp_path, monkeypatch):
    tabular = bench("tabular")
    found = {2: ("80.0", "0.5"), 3: ("81.0", "0.9"), 7: ("81.0", "0.4"), 8: ("80.5", "0.1")}
    calls = []

    def tried(_, settings, __):
        calls.append(settings)
        accuracy, loss = found.get(len(calls) - 1, ("70.0", "0.6"))
        failed = {"error": "ValueError: no"} if len(calls) == 2 else {"accuracy": accuracy, "log_loss": loss}
        return {"seconds": "0.5", **failed}

    monkeypatch.setattr(tabular, "_tried", tried)
    monkeypatch.setattr(tabular, "dataset", lambda *_: object())
    name, keys = "LightGBM, tuned", (tabular.SEARCH_COLUMNS, tabular.SEARCH_KEY)
    searched = bench("lines").Lines(tmp_path / "search.csv", *keys)
    settings, seconds = tabular.search(searched, name, "random", "pol", "")
    assert settings == bench("tabular_models").trials(name)[7]
    assert seconds == 15.0
    assert calls == bench("tabular_models").trials(name)
    again = bench("lines").Lines(tmp_path / "search.csv", *keys)
    assert tabular.search(again, name, "random", "pol", "") == (settings, seconds)
    assert len(calls) == 30


def test_calibration_of_equally_many_rows(bench):
    rng = np.random.default_rng(0)
    probabilities, labels = rng.dirichlet((1, 1, 1), 157), rng.integers(0, 3, 157)
    ranked = sorted((max(row), int(np.argmax(row)) == label) for row, label in zip(probabilities, labels, strict=True))
    sizes = [157 // 15 + (k < 157 % 15) for k in range(15)]
    total, start = 0.0, 0
    for size in sizes:
        part = ranked[start : start + size]
        total += abs(sum(right for _, right in part) - sum(confidence for confidence, _ in part)) / 157
        start += size
    assert bench("tabular").calibration_error(probabilities, labels) == pytest.approx(total)


# What tables give away.


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=40),
    st.lists(st.integers(-5, 35), min_size=1, max_size=10),
    st.integers(1, 12),
)
def test_the_nearest_are_all_that_are_as_near_as_the_last_of_them(bench, known, values, voters):
    known, voters = np.sort(known).astype(float), min(voters, len(known))
    first, last = bench("leaks").window(known, np.array(values, float), voters)
    for value, begin, end in zip(values, first, last, strict=True):
        distance = sorted(abs(known - value))[voters - 1]
        assert list(known[begin:end]) == [one for one in known if abs(one - value) <= distance]


def test_a_line_number_of_alike_neighbours_is_found(bench):
    rng = np.random.default_rng(0)
    y = np.repeat(rng.integers(0, 2, 300), 4)
    columns = {"noise": rng.normal(size=1200), "line": np.arange(1200), "of": rng.normal(size=1200) + y}
    table = table_of(bench, columns, y)
    rows = rng.permutation(1200)
    found = {(one.check, one.column): one for one in bench("leaks").checks(table, rows[240:], rows[:240])}
    line = found["nearest", "line"]
    assert line.value > 75 > 60 > line.beside
    # What says something about the label and knows no row is left to the vote.
    assert found["nearest", "of"].beside > found["nearest", "of"].value + 2
    assert found["order", "line"].value > 80 > 65 > found["order", "line"].beside
    assert found["file", "line"].value > 99


def test_twins_and_groups_of_two_columns_are_found(bench):
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 100)
    reader, title = np.repeat(np.arange(10), 10), np.tile(np.arange(10), 10)
    rows = np.concatenate([rng.permutation(100) for _ in range(4)])
    columns = {"reader": reader[rows], "title": title[rows], "noise": rng.normal(size=400)}
    table = table_of(bench, columns, label[rows])
    split = np.arange(100, 400), np.arange(100)
    (pair,) = bench("leaks").pairs(table, *split)
    assert (pair.column, pair.value, pair.beside) == ("reader and title", 100, 100)
    assert bench("leaks").twins(table, *split).value == 0
    without = table_of(bench, {"reader": reader[rows], "title": title[rows]}, label[rows])
    assert bench("leaks").twins(without, *split)[2:] == (100, 100)


# From a table to the report.


def test_lines_are_computed_once_and_again_when_dropped(bench, tmp_path):
    columns, key = ("dataset", "what", "accuracy"), ("dataset", "what")
    lines = bench("lines").Lines(tmp_path / "lines.csv", columns, key)
    for accuracy in (1, 2):
        lines.compute({"dataset": "pol", "what": "a, b"}, lambda accuracy=accuracy: {"accuracy": accuracy})
    lines.compute({"dataset": "pol", "what": "c"}, lambda: {"accuracy": 3})
    lines.drop(lambda row: row["what"] == "c")
    lines.compute({"dataset": "pol", "what": "c"}, lambda: {"accuracy": 4})
    again = bench("lines").Lines(tmp_path / "lines.csv", columns, key)
    assert [(row["what"], row["accuracy"]) for row in again.rows] == [("a, b", "1"), ("c", "4")]
    assert again.rows == lines.rows


def made_row(protocol, dataset, seed, what, accuracy, **more):
    row = {"protocol": protocol, "dataset": dataset, "seed": str(seed), "what": what, "accuracy": str(accuracy)}
    row |= {"roc_auc": "90", "log_loss": "0.4", "calibration": "2", "search_seconds": "0", "seconds": "1"}
    row |= {"microseconds": "5", "rows": "100", "part": "", "version": "v 1", "machine": "Zen", "error": ""}
    return row | more


OURS, PEER = "truly sparse, best", "LightGBM"


def made_rows(bench):
    """Return lines of ours and a peer, level but on the leaky sets, where the peer wins by leaks and loses without."""
    report, rows = bench("tabular_report"), []
    for seed in (0, 1):
        for name in report.TABULAR:
            leaky = name in report.LEAKY
            rows.append(made_row("random", name, seed, OURS, 80))
            rows.append(made_row("random", name, seed, PEER, 90 if leaky else 79.5, seconds="0.5"))
            if leaky:
                rows.append(made_row("honest", name, seed, OURS, 60))
                rows.append(made_row("honest", name, seed, PEER, 50, seconds="0.5"))
    return rows


def test_leaky_sets_are_in_no_mean_of_random_splits(bench):
    report, rows = bench("tabular_report"), made_rows(bench)
    random, honest = (report.of_protocol(rows, protocol) for protocol in ("random", "honest"))
    assert report.LEAKY == ("eye_movements", "electricity")
    own = report.duel(random, OURS, PEER, report.SOUND)
    assert own[:3] == ["+0.50", "+0.50 to +0.50", "12 : 0"]
    assert own[-3:] == ["2.00x", "12", "2"]
    assert report.duel(honest, OURS, PEER, report.TABULAR)[0] == f"{(12 * 0.5 + 2 * 10) / 14:+.2f}"
    first, second = report.summary(honest, report.TABULAR).splitlines()[2:]
    assert first.startswith(f"| {OURS} | {(12 * 80 + 2 * 60) / 14:.2f} |")
    assert second.startswith(f"| {PEER} | {(12 * 79.5 + 2 * 50) / 14:.2f} |")
    by = report.by_protocol(rows).splitlines()
    assert by[2] == f"| {PEER} | 90.00 | 50.00 | 90.00 | 50.00 | – | – |"
    text = report.page(rows)
    assert "electricity and eye_movements" not in text.split("## Answers")[1].split("### Honest")[0].split("#### ")[1]
    assert "* CatBoost: nothing." in text
    assert f"* {PEER}, seeds that are missing: " in text


def test_the_cost_of_a_tuned_model_has_its_search(bench):
    report, rows = bench("tabular_report"), made_rows(bench)
    tuned = [row | {"what": "LightGBM, tuned", "search_seconds": "49"} for row in rows if row["what"] == OURS]
    random = report.of_protocol([*rows, *tuned], "random")
    assert report.duel(random, OURS, "LightGBM, tuned", report.SOUND)[-3] == "0.02x"
    (line,) = (line for line in report.summary(random, report.SOUND).splitlines() if "tuned" in line)
    assert "| 49 | 1.00 | 5.0 | 2 |" in line


def test_a_fit_that_failed_is_said_and_counts_nowhere(bench):
    report, rows = bench("tabular_report"), made_rows(bench)
    rows[0] |= {"accuracy": "", "seconds": "", "error": "ValueError: no"}
    assert report.of_protocol(rows, "random")[0] is not rows[0]
    assert "LightGBM failed" not in report.page(rows)
    assert f"* {OURS} failed: {rows[0]['dataset']} (random), seed 0: ValueError: no" in report.page(rows)


def goal_cells(bench, rows):
    """Return what the table says of each goal: {(preset, goal): [by random splits, by honest ones]}."""
    report = bench("tabular_report")
    lines = {protocol: (report.of_protocol(rows, protocol), names) for protocol, names in report.MEANS.items()}
    cells = [line.strip("| ").split(" | ") for line in bench("goals").table(lines).splitlines()[2:]]
    return {(preset, goal): found for preset, goal, *found in cells}


def test_goals_are_won_lost_or_open(bench):
    rows = made_rows(bench)
    by_peer = "accuracy minus that of {}: 0 or more, its interval above -0.2"
    time = "CPU seconds, search and fit: 10 times those of LightGBM, or less"
    found = goal_cells(bench, rows)
    assert found["best", by_peer.format(PEER)] == [
        "+0.50 (+0.50 to +0.50): reached", "+1.86 (+0.50 to +3.89): reached",
    ]  # fmt: skip
    assert found["best", by_peer.format("CatBoost")] == ["not run", "not run"]
    assert found["best", time] == ["2.00x: reached", "2.00x: reached"]
    slow = [row | {"seconds": "5.5"} if row["what"] == OURS else row for row in rows]
    assert goal_cells(bench, slow)["best", time] == ["11.00x: missed", "11.00x: missed"]
    few = [row for row in rows if row["dataset"] in ("pol", "heloc")]
    assert goal_cells(bench, few)["best", by_peer.format(PEER)][0].endswith("open, 2 of 12 sets")
    worse = [row | {"accuracy": "78.4"} if (row["what"], row["dataset"]) == (OURS, "pol") else row for row in rows]
    others = [row | {"what": what} for row in worse if row["what"] == PEER
              for what in ("HistGradientBoosting", "XGBoost", "CatBoost")]  # fmt: skip
    (near,) = (cells for (_, goal), cells in goal_cells(bench, worse + others).items() if goal.startswith("on no set"))
    assert near == ["pol -1.10: missed", "pol -1.10: missed"]


def test_the_interval_of_a_goal_counts_and_gesture_has_one_protocol(bench):
    rows = made_rows(bench)
    uneven = [row | {"accuracy": str(79.5 + (4 if row["dataset"] == "pol" else -0.2))}
              if row["what"] == OURS and row["protocol"] == "random" else row for row in rows]  # fmt: skip
    cells = goal_cells(bench, uneven)["best", "accuracy minus that of LightGBM: 0 or more, its interval above -0.2"]
    assert cells[0] == "+0.15 (-0.20 to +0.85): missed"
    gesture = [made_row(protocol, "gesture", 0, OURS, 92.5) for protocol in ("random", "honest")]
    assert goal_cells(bench, rows + gesture)["best", "gesture: 92.5 % or more"] == ["92.50: reached", "–"]


@pytest.mark.parametrize(("closest", "word"), [(1.9, "missed"), (2.1, "reached")])
def test_errors_are_held_against_the_nearest_of_all_boosting_models(bench, closest, word):
    rows, models = made_rows(bench), bench("tabular_models")
    ours = [row | {"what": "truly sparse, accurate"} for row in rows if row["what"] == OURS]
    peers = [row | {"what": what, "calibration": str(closest if what == "XGBoost, tuned" else 3)}
             for row in rows if row["what"] == PEER
             for what in (*models.BOOSTING, *(name + models.TUNED for name in models.BOOSTING))]  # fmt: skip
    goal = "accurate", "calibration error below that of each boosting model, default and tuned"
    cells = goal_cells(bench, ours + peers)[goal]
    assert cells[0] == f"{2 - closest:+.2f} points to XGBoost, tuned: {word}"
    without = [row for row in peers if row["what"] != "CatBoost, tuned"]
    assert goal_cells(bench, ours + without)[goal][0].endswith("open, 0 of 12 sets")


def test_the_front(bench):
    points = {"a": (1.0, 80.0), "b": (2.0, 79.0), "c": (3.0, 85.0), "d": (3.0, 84.0), "e": (9.0, 85.0)}
    assert bench("tabular_report").pareto(points) == ["a", "c"]


@pytest.fixture
def prepared(tmp_path):
    """Write a small electricity of 40 days, and return its folder."""
    rng = np.random.default_rng(0)
    days = np.repeat(np.arange(40) / 39, 12)
    price = rng.normal(size=480)
    y = (price + 0.5 * rng.normal(size=480) > 0).astype(np.int64)
    path = tmp_path / "data/electricity.parquet"
    path.parent.mkdir()
    pq.write_table(pa.table({"date": days, "nswprice": price, "target": y}), path)
    about = {"sha256": sha256(path), "classes": ["DOWN", "UP"], "source": "made", "partial": "480 of 500 rows"}
    path.with_suffix(".json").write_text(json.dumps(about))
    return path.parent


def run(folder, data, *arguments):
    command = [
        sys.executable,
        BENCHMARKS / "tabular.py",
        "--data",
        data,
        "--results",
        folder,
        "--seeds",
        "0",
        *arguments,
    ]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)


def test_measuring_goes_on_where_it_stopped(prepared, tmp_path):
    model = ["--models", "HistGradientBoosting", "--datasets", "electricity"]
    run(tmp_path, prepared, *model, "--protocols", "random")
    before = (tmp_path / "tabular.csv").read_text()
    run(tmp_path, prepared, *model)
    assert (tmp_path / "tabular.csv").read_text().startswith(before)
    lines = lines_of(tmp_path / "tabular.csv")
    assert [(row["what"], row["protocol"]) for row in lines] == [(model[1], "random"), (model[1], "honest")]
    for row in lines:
        assert 60 < float(row["accuracy"]) < 100
        assert float(row["seconds"]) > 0 < float(row["microseconds"])
        assert (row["rows"], row["part"], row["error"]) == ("384", "480 of 500 rows", "")
    assert "| electricity (480 of 500 rows) | " in (tmp_path / "tabular.md").read_text()


def test_a_peer_that_is_not_installed_is_named_and_left_out(bench, prepared, tmp_path):
    models = bench("tabular_models")
    gone = [name for name in models.MODELS if models.missing(name)]
    if not gone:
        pytest.skip("every peer is installed")
    said = run(tmp_path, prepared, "--models", gone[0], "--datasets", "electricity").stderr
    package = models.MODELS[gone[0]].package
    assert said == f"{gone[0]}: {package} is not installed (pip install -e .[peers]); left out\n"
    assert not (tmp_path / "tabular.csv").exists()


def test_the_committed_pages_are_made_of_the_committed_lines(bench):
    made = {
        "tabular": bench("tabular_report").page(lines_of(RESULTS / "tabular.csv")),
        "leaks": bench("leaks").page(lines_of(RESULTS / "leaks.csv")),
    }
    for name, text in made.items():
        assert (RESULTS / f"{name}.md").read_text(encoding="utf-8") == text


def test_the_readme_has_the_answers_of_the_random_splits():
    page = (RESULTS / "tabular.md").read_text(encoding="utf-8")
    table = page.split("### Random splits")[1].split("\n\n")[1]
    readme = (RESULTS.parents[1] / "README.md").read_text(encoding="utf-8")
    assert table.count("\n") > 5
    assert f"<!-- tabular -->\n\n{table}\n\n<!-- /tabular -->" in readme
