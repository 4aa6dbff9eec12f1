"""The figures of page one and of cost: what they show is what their tables hold."""

import pandas as pd
import pytest

from truly_sparse.analysis import build, places
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.judging import CONFIRMED, NOT_CONFIRMED
from truly_sparse.analysis.style import style
from truly_sparse.errors import UserError
from truly_sparse.experiments.configuration import load_config
from truly_sparse.studies.journal.catalogue import FIGURES, STUDY, TABLES
from truly_sparse.studies.journal.figures import cost, summary
from truly_sparse.studies.journal.tables.table1 import tidy


@pytest.fixture
def config(repository):
    return load_config(repository / "config/journal.yaml")


@pytest.fixture
def tables(repository, config):
    """Made-up verdicts and contrasts where they are looked for, below the working folder."""
    assert repository.samefile(".")
    topics = ["Accuracy"] * 3 + ["Cost"]
    verdicts = pd.DataFrame({"topic": topics, "verdict": [CONFIRMED, CONFIRMED, NOT_CONFIRMED, CONFIRMED]})
    contrasts = pd.DataFrame(
        {
            "dataset": ["pooled", "pooled", "gesture"],
            "setting": "refinement",
            "effect": ["method", "a:b", "method"],
            "contrast": "rd_tse - edst_rg",
            "value": [0.1, 0.2, 0.3],
            "low": [0.05, 0, 0],
            "high": [0.15, 1, 1],
            "note": "over 2 datasets",
        }
    )
    for name, frame in (("verdicts", verdicts), ("ablations", contrasts)):
        build.write_csv(frame, places.table_csv(config, name))


def _drawn(module, frame):
    with style():
        figure = module.draw(frame, "paper")
    return figure, [axes for axes in figure.axes if axes.get_title(loc="left")]


@pytest.mark.usefixtures("tables")
def test_summary_counts_claims_and_shows_pooled_contrasts(config):
    frame = summary.data(Inputs(config, STUDY, FIGURES["summary"]))
    counts = frame[frame["panel"] == "a"].set_index(["topic", "verdict"])["value"]
    assert counts["Accuracy", CONFIRMED] == 2
    assert counts["Accuracy", NOT_CONFIRMED] == counts["Cost", CONFIRMED] == 1
    assert frame.loc[frame["panel"] == "b", "value"].tolist() == [0.1]
    figure, (left, right) = _drawn(summary, frame)
    widths = [patch.get_width() for patch in left.patches]
    assert sorted(widths) == [0, 1, 1, 2]
    assert [label.get_text() for label in right.get_yticklabels()] == ["RD-TSE less random"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [CONFIRMED, NOT_CONFIRMED]


@pytest.mark.usefixtures("tables")
def test_summary_without_contrasts_has_one_panel(config):
    frame = summary.data(Inputs(config, STUDY, FIGURES["summary"]))
    _, panels = _drawn(summary, frame[frame["panel"] == "a"])
    assert len(panels) == 1


def test_summary_names_the_table_it_lacks(config):
    with pytest.raises(UserError, match=r"tables/verdicts\.csv not found: `snakemake --cores 1 verdicts` makes it"):
        summary.data(Inputs(config, STUDY, FIGURES["summary"]))


def test_cost_has_published_and_measured_values_of_table1(fill):
    config = fill("paper")
    frame = cost.data(Inputs(config, STUDY, FIGURES["cost"]))
    inputs = Inputs(config, STUDY, TABLES["table1"])
    table = tidy(inputs.records, inputs.published("table1"))
    rows = table[(table["metric"] == "weights_ratio") & table["method"].isin(["rd_tse", "dense"])]
    own = frame[(frame["panel"] == "a") & frame["method"].isin(["rd_tse", "dense"])]
    assert sorted(own.loc[own["kind"] == "here", "value"]) == sorted(rows["value"])
    assert sorted(own.loc[own["kind"] == "published", "value"]) == sorted(rows["published"].dropna())
    _, panels = _drawn(cost, frame)
    assert len(panels) == 3
    # Gesture at three densities, HIGGS at two.
    assert [label.get_text() for label in panels[0].get_xticklabels()] == ["10", "20", "30", "10", "20"]
    part = frame.assign(partial=frame["partial"].mask(frame["dataset"] == "higgs", "9 of 99 rows"))
    for shown, words in ((frame, "ε\nHIGGS"), (part, "ε\nHIGGS, only\n9 of\n99 rows")):
        _, panels = _drawn(cost, shown)
        for axes in panels:
            assert [text.get_text() for text in axes.texts] == ["ε\nGesture\nPhase", words]
