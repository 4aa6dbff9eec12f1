"""Journal Table 7, counted in prepared files."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from truly_sparse.analysis import published
from truly_sparse.analysis.accuracy_cost_layout import lay_out
from truly_sparse.analysis.origin import origin_of
from truly_sparse.analysis.table import to_latex
from truly_sparse.errors import UserError
from truly_sparse.experiments.jobs import measurement_job
from truly_sparse.files import write_json
from truly_sparse.studies import make
from truly_sparse.studies.journal.figures import accuracy
from truly_sparse.studies.journal.tables import table1
from truly_sparse.studies.show import report


@pytest.fixture
def prepared(repository):
    """Write a file of the printed size for each dataset; return a configuration. Pol has only 100 rows."""
    sizes = published.load("journal_table7").pivot_table("published", "dataset", "metric").astype(int)
    for name, size in sizes.iterrows():
        rows = 100 if name == "pol" else size["samples"]
        columns = {f"f{i}": np.zeros(rows, np.float32) for i in range(size["features"])}
        path = repository / "data" / f"{name}.parquet"
        path.parent.mkdir(exist_ok=True)
        pd.DataFrame(columns | {"target": np.arange(rows, dtype=np.int32) % size["classes"]}).to_parquet(path)
        part = f"100 of {size['samples']} rows" if name == "pol" else None
        write_json(path.with_suffix(".json"), {"source": "made up", "partial": part, "sha256": "ab"})
    config = {"study": "journal", "preset": "paper", "data": {"folder": "data"}, "experiments": {}, "training": {}}
    config["reuse_records"] = True
    return config | {"measurements": {"datasets": {"datasets": list(sizes.index)}}}


def test_numbers_are_counted_in_the_files_and_compared(prepared):
    with pytest.raises(UserError, match="measurement datasets is missing"):
        make.table(prepared, "table7")
    measurement_job.measure(prepared, "datasets")
    csv, tex = make.table(prepared, "table7")
    table = pd.read_csv(csv)
    assert len(table) == 14 * 3
    assert table["dataset"].nunique() == 14
    differing = table[table["difference"] != 0]
    assert differing[["dataset", "metric", "value"]].to_numpy().tolist() == [["pol", "samples", 100]]
    assert (table.loc[table["dataset"] == "pol", "note"].str.startswith("partial data: 100 of 10082 rows")).all()
    assert "Only a part of the rows: Pol (100 of 10082 rows)" in tex.read_text()
    assert "1 of 42 numbers differ from the published ones: Pol." in report(prepared, "table7")


def test_a_dataset_that_is_not_prepared_is_one_line(prepared, repository):
    (repository / "data/heloc.parquet").unlink()
    with pytest.raises(UserError, match=r"dataset heloc is not prepared .*python -m truly_sparse data heloc"):
        measurement_job.measure(prepared, "datasets")


def test_partial_data_is_marked_in_rows_captions_and_figures(make_record):
    data = make_record()["data"]
    records = [make_record(seed=seed, data=data | {"partial": "9 of 10 rows"}) for seed in (0, 1)]
    records += [make_record(dataset="wine", seed=seed) for seed in (0, 1)]
    origin = origin_of("paper", records)
    frame = table1.tidy(records, published.load("journal_table1"), [])
    marked = frame["note"].str.contains("partial data: 9 of 10 rows")
    assert (marked == (frame["dataset"] == "gesture")).all()
    assert "Only a part of the rows: Gesture Phase (9 of 10 rows)." in origin.line()
    latex = to_latex("table1", lay_out(frame, origin, "1"), "paper")
    captions = [line for line in latex.splitlines() if line.startswith(r"\caption")]
    assert len(captions) == 2
    assert all("Only a part of the rows: Gesture Phase (9 of 10 rows)" in caption for caption in captions)
    inputs = SimpleNamespace(records=records, absent=[], published=lambda name: published.load(f"journal_{name}"))
    shown = accuracy.data(inputs)
    drawn = accuracy.draw(shown, "paper")
    assert {axes.get_title() for axes in drawn.axes} == {"Gesture Phase (only 9 of 10 rows)", "Wine"}
