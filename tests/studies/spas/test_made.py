"""Every table, figure and page of the study can be made: from all runs, from few, and from none of some."""

import itertools
import shutil

import pytest

from truly_sparse.analysis import texlive
from truly_sparse.analysis.raster import FigureCanvas
from truly_sparse.analysis.style import style
from truly_sparse.errors import UserError
from truly_sparse.studies import make
from truly_sparse.studies.show import report
from truly_sparse.studies.spas.catalogue import FIGURES, TABLES
from truly_sparse.studies.spas.figures import figure7

from ..conftest import REPOSITORY
from ..made import check_figure, check_pdf, check_table, few, one_seed

#: Of this nothing is trained or measured.
COUNTED = "spas_table2"
OF_RUNS = [name for name, entry in TABLES.items() if entry.experiments]


@pytest.mark.parametrize("seeds", ["all", "one"])
def test_every_table_and_figure_can_be_made(lay_out, committed, depth, repository, seeds):
    config = lay_out() if seeds == "all" else lay_out(one_seed)
    committed(config, "depth", depth)
    for name in TABLES:
        check_table(config, name, of_runs=name != COUNTED)
    for name in FIGURES:
        check_figure(config, name)
    if seeds == "one" and not texlive.lacking():  # the wider tables
        shutil.copytree(REPOSITORY / "paper", repository / "paper", dirs_exist_ok=True)
        check_pdf(config)


def test_any_runs_are_enough(lay_out):
    config = lay_out(few)
    for name in OF_RUNS:
        text = report(config, name)
        assert "missing" in text
        assert " nan" not in text
    for name in FIGURES:
        make.figure(config, name)


def plain(spec, record):
    """Leave all networks with shortcuts out."""
    return record if spec.method.startswith("mlp") else None


def test_one_model_alone_has_nothing_to_be_compared_with(lay_out):
    config = lay_out(plain, ("spas_cifar", "spas_tabular"))
    frame = make.built(config, "spas_table5").frame
    assert set(frame["note"]) == {"not run"}
    assert frame["value"].isna().all()
    verdicts = make.built(config, "spas_verdicts").frame.set_index("claim")["verdict"]
    assert verdicts["collapse/cifar10"] == "confirmed"
    assert verdicts[["best/cifar10", "reach/cifar10/spas", "sparse/cifar10/spas"]].unique() == ["not tested"]


@pytest.mark.parametrize("name", OF_RUNS)
def test_a_table_without_a_run_is_one_line(lay_out, name):
    config = lay_out(lambda *_: None)
    with pytest.raises(UserError, match="no finished run of spas_") as error:
        make.built(config, name)
    assert "\n" not in str(error.value)


def test_cells_with_missing_and_diverged_runs_say_so(lay_out):
    def change(spec, record):
        if spec.dataset != "cifar10" or spec.method != "spas_static":
            return record
        if spec.setting == "c2":
            return None
        if spec.setting == "c5" and spec.seed > 1:
            return record | {"status": "diverged", "failure": "lower learning_rate"}
        return record

    frame = make.built(lay_out(change, ("spas_cifar",)), "spas_table3").frame
    rows = frame[(frame["dataset"] == "cifar10") & (frame["method"] == "spas_static") & (frame["metric"] == "iqm")]
    rows = rows.set_index("setting")
    assert rows.loc[["c0", "c2", "c5"], "seeds"].tolist() == [5, 0, 2]
    assert set(rows["asked"]) == {5}
    assert rows["value"].isna().tolist() == (rows["seeds"] == 0).tolist()
    text = report(lay_out(change, ("spas_cifar",)), "spas_table3")
    shown = [line for line in text.splitlines() if "(0/5)" in line or "(2/5)" in line]
    assert len(shown) == 2
    assert "(n/m): n of m runs have finished." in text
    assert "n of m" not in report(lay_out(experiments=("spas_cifar",)), "spas_table3")
    assert "3 diverged, 5 missing" in text


def test_a_part_of_a_dataset_is_marked(lay_out):
    def change(spec, record):
        partial = {"partial": "9 of 99 rows"} if spec.dataset == "higgs" else {}
        return record | {"data": record["data"] | partial}

    config = lay_out(change)
    for name in ("spas_table5", "spas_table9", "spas_start"):
        made = make.built(config, name)
        notes = made.frame.loc[(made.frame["dataset"] == "higgs") & made.frame["value"].notna(), "note"]
        assert len(notes)
        assert notes.str.startswith("partial data: 9 of 99 rows").all()
        assert "HIGGS (9 of 99 rows)" in made.parts[0].caption


@pytest.mark.parametrize("partial", [None, "9 of 99 rows"])
def test_words_below_the_panels_do_not_meet(lay_out, partial):
    def change(_, record):
        return record | {"data": record["data"] | {"partial": partial}}

    frame = make.numbers(lay_out(change, ("spas_tabular",)), "spas_figure7")
    with style():
        figure = figure7.draw(frame, "paper")
        FigureCanvas(figure).draw()
    below = figure.axes[-4:]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend[4:] == (["* only a part of the rows"] if partial else [])
    assert [axes.get_title(loc="left").endswith("*") for axes in below] == [bool(partial)] * 4
    named = [axes.xaxis.label.get_window_extent() for axes in below]
    box = figure.legends[0].get_window_extent()
    assert max(box.x1, named[-1].x1) <= figure.bbox.x1
    assert box.y1 < min(one.y0 for one in named)
    for row in (named, *([label.get_window_extent() for label in axes.get_xticklabels()] for axes in below)):
        assert all(one.x1 + 1 < other.x0 for one, other in itertools.pairwise(row))


def test_a_run_that_another_experiment_trained_is_in_both_tables(lay_out):
    config = lay_out(lambda spec, record: record if spec.experiment == "spas_cifar" else None)
    frame = make.built(config, "spas_table7").frame
    dense = frame[(frame["mode"] == "dense") & (frame["metric"] == "mean") & (frame["value"].notna())]
    assert dense["method"].tolist() == ["mlp_static", "spas_static"]
