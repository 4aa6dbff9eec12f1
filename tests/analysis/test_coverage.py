"""The table of runs says what has finished and what is left, counted by hand here."""

from truly_sparse.analysis import coverage
from truly_sparse.analysis.origin import origin_of
from truly_sparse.experiments.grid import RunSpec


def record(dataset, method, seed, cpu):
    found = {"dataset": dataset, "method": method, "setting": "eps20", "seed": seed, "status": "ok"}
    return found | {"seconds": {"cpu": cpu}}


def test_rows_of_the_table(monkeypatch):
    expected = {0: 0.25, 1: None, 2: 1.5}
    monkeypatch.setattr(coverage, "hours", lambda *given: [expected[spec.seed] for spec in given[2]])
    left = [RunSpec("main", "b", "sparse", "eps20", seed, {}) for seed in (0, 1, 2)]
    done = [record("a", "sparse", 0, 1800), record("a", "sparse", 1, 3600), record("a", "dense", 0, 36)]
    gathered = {"main": (done, left), "side_study": (done[:1], []), "others": ([], left[1:2])}
    text = coverage.coverage_table({}, gathered, origin_of("paper", done, left))
    rows = [line.rstrip("\\*") for line in text.splitlines() if line.startswith(("main", "side", "others"))]
    assert [[cell.strip() for cell in row.split("&")] for row in rows] == [
        ["main", "2", "3", "3", "3", "1.51", "3", "1.8 +"],
        ["side study", "1", "1", "1", "1", "0.50", "0", "0"],
        ["others", "1", "1", "1", "0", "0.00", "1", "--"],
    ]
