"""Every table, figure and page of the study can be made: from all runs, from few, and from none of some."""

import shutil

import pandas as pd
import pytest

from truly_sparse.analysis import texlive
from truly_sparse.analysis.evidence import Evidence
from truly_sparse.analysis.judging import CONFIRMED, EXPLAINED, NOT_CONFIRMED, NOT_TESTED
from truly_sparse.errors import UserError
from truly_sparse.studies import make
from truly_sparse.studies.show import report
from truly_sparse.studies.whitaker.catalogue import FIGURES, TABLES
from truly_sparse.studies.whitaker.findings import reproduced

from ..conftest import REPOSITORY
from ..made import check_figure, check_pdf, check_table, few, one_seed

OF_RUNS = [name for name, entry in TABLES.items() if entry.experiments and not entry.measurements]
FIGURES_OF_RUNS = [name for name, entry in FIGURES.items() if entry.experiments and not entry.measurements]


@pytest.mark.parametrize("seeds", ["all", "one"])
def test_every_table_and_figure_can_be_made(lay_out, repository, seeds):
    config = lay_out() if seeds == "all" else lay_out(one_seed)
    for name in OF_RUNS:
        check_table(config, name, beside=("CSV", "PDF", "Preset", "Table"))
    for name in FIGURES_OF_RUNS:
        check_figure(config, name)
    if not texlive.lacking():
        shutil.copytree(REPOSITORY / "paper", repository / "paper", dirs_exist_ok=True)
        check_pdf(config)


def test_any_runs_are_enough(lay_out):
    config = lay_out(few)
    for name in OF_RUNS:
        text = report(config, name)
        assert "missing" in text
        assert " nan" not in text
    for name in FIGURES_OF_RUNS:
        make.figure(config, name)


@pytest.mark.parametrize("name", OF_RUNS)
def test_a_table_without_a_run_is_one_line(lay_out, name):
    config = lay_out(lambda *_: None)
    with pytest.raises(UserError, match="no finished run of whitaker_") as error:
        make.built(config, name)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("children", ["missing", "diverged"])
def test_table_and_figure_7_1_without_children_have_what_is_printed(lay_out, children):
    def change(spec, record):
        if spec.method in ("snapshot", "dense_ensemble"):
            return record
        return record | {"status": "diverged", "failure": "lower it"} if children == "diverged" else None

    config = lay_out(change)
    frame = make.built(config, "whitaker_table7_1").frame
    finished = frame[frame["value"].notna()]
    assert set(finished["method"]) == {"snapshot", "dense_ensemble"}
    assert frame.loc[frame["published"].notna(), "method"].isin(["sse_np", "snapshot"]).any()
    assert "(0/" in report(config, "whitaker_table7_1")
    _, _, csv = make.figure(config, "whitaker_figure7_1")
    assert set(pd.read_csv(csv)["dataset"]) == {"cifar10"}


def test_diverged_and_missing_runs_are_counted(lay_out):
    def change(spec, record):
        if spec.experiment != "whitaker_large" or spec.dataset != "gesture" or spec.method != "sse_np":
            return record
        if spec.seed == 0:
            return record | {"status": "diverged", "failure": "lower learning_rate"}
        return record if spec.seed == 1 else None

    config = lay_out(change)
    frame = make.built(config, "whitaker_table5_2").frame
    rows = frame[(frame["dataset"] == "gesture") & (frame["method"] == "sse_np") & (frame["metric"] == "accuracy")]
    assert rows["seeds"].tolist() == [1]
    assert rows["asked"].tolist() == [5]
    assert "(1/5)" in report(config, "whitaker_table5_2")


def test_lenet_stands_beside_what_is_printed_of_it(lay_out):
    config = lay_out(lambda spec, record: record if spec.experiment == "whitaker_lenet" and spec.seed < 2 else None)
    frame = make.built(config, "whitaker_table5_1").frame
    own = frame[(frame["dataset"] == "cifar10") & (frame["setting"] == "lenet_l")]
    here, printed = own[own["metric"] == "accuracy"], own[own["metric"] == "test_accuracy"]
    assert set(here["method"]) == {
        "dense",
        "bagging",
        "sse_r",
        "sse_np",
        "sse_unpruned",
        "sse_fresh",
        "sparse_ensemble",
    }
    assert (here["seeds"] == 2).all()
    assert (here["asked"] == 3).all()
    assert set(printed["method"]) == {"dense", "dropout", "bagging", "sse_r", "sse_np"}
    text = report(config, "whitaker_table5_1")
    line = next(
        row for row in text.split("Table 5.1c")[1].splitlines() if row.strip().startswith("Sparse children, parts")
    )
    assert "75.8" in line
    assert "(2/3)" in line


def test_annealing_of_lenet_stands_apart_in_table_6_1(lay_out):
    config = lay_out(lambda spec, record: record if spec.experiment.endswith("annealing") else None)
    frame = make.built(config, "whitaker_table6_1").frame
    here = frame[(frame["metric"] == "accuracy") & frame["value"].notna()]
    assert set(here["network"]) == {"", "LeNet-S"}
    lenet = here[here["network"] == "LeNet-S"]
    assert set(lenet["dataset"]) == {"cifar10", "cifar100"}
    assert set(lenet["sampler"]) == {"random"}
    assert set(lenet["method"]) == {"one_shot", "iterative", "random_annealing", "annealing"}
    assert len(lenet) == 2 * 2 * 5 * 4  # datasets, rates, sparsities and methods
    assert (lenet["seeds"] == 2).all()
    assert "on CIFAR-10, LeNet-S:" in report(config, "whitaker_table6_1")
    without = lay_out(lambda spec, record: record if spec.experiment == "whitaker_annealing" else None)
    alone = make.built(without, "whitaker_table6_1").frame.reset_index(drop=True)
    perceptrons = frame[frame["network"] != "LeNet-S"].reset_index(drop=True)
    assert alone.drop(columns="note").equals(perceptrons.drop(columns="note"))
    assert "LeNet" not in report(without, "whitaker_table6_1")


@pytest.mark.parametrize(
    ("explained", "words"), [(0, ""), (1, ", 1 differs only as explained"), (2, ", 2 differ only")]
)
def test_claims_of_the_source_are_counted(explained, words):
    verdicts = [CONFIRMED, CONFIRMED, NOT_CONFIRMED, NOT_TESTED, *[EXPLAINED] * explained]
    claims = pd.DataFrame({"claim": "n1", "topic": "Annealing", "verdict": verdicts})
    ours = claims.assign(topic="Ours: why children help")
    said = reproduced._counts(Evidence({reproduced.VERDICTS: pd.concat([claims, ours])}))
    assert said.startswith(f"Of {3 + explained} claims that could be tested, 2 are confirmed{words}")
    assert said.endswith(" and 1 are not.")
