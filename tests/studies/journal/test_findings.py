"""Page one: what is said of the committed tables is what they hold, and follows them."""

import re
from itertools import chain
from pathlib import Path

import pandas as pd
import pytest

from truly_sparse.analysis.evidence import Evidence, written
from truly_sparse.analysis.formats import difference
from truly_sparse.analysis.names import METHODS
from truly_sparse.analysis.reading import listed, span
from truly_sparse.analysis.statements import said
from truly_sparse.analysis.tse import PROPOSED
from truly_sparse.experiments.configuration import load_config
from truly_sparse.studies.journal.catalogue import STUDY
from truly_sparse.studies.journal.findings.cost import FALLBACKS
from truly_sparse.studies.journal.findings.listed import STATEMENTS
from truly_sparse.studies.journal.verdicts.claims import ALIKE

ROOT = Path(__file__).parents[3]


@pytest.fixture
def evidence(monkeypatch):
    monkeypatch.chdir(ROOT)
    return written(STUDY, load_config(Path("config/journal.yaml")))


def changed(evidence, name, change):
    """The evidence with `change` made to a copy of one frame."""
    frame = evidence.frames[name].copy()
    change(frame)
    return Evidence({**evidence.frames, name: frame})


def test_everything_can_be_said_of_the_paper(evidence):
    found = said(STATEMENTS, evidence)
    assert all(found.values())
    # No run of Table 1 there ran out of places, and there is one topic for every macro of the text.
    text = (ROOT / "paper/journal/main.tex").read_text(encoding="utf-8")
    assert set(re.findall(r"\\Said([A-Z]\w*)", text)) - {"X"} == set(found)
    for sentence in chain(*found.values()):
        assert sentence.endswith(".")
        assert not re.search(r"nan|None|\d\.\d{5}", sentence)


def test_verdicts_are_counted(evidence):
    verdicts = evidence.frames["verdicts"]
    own = verdicts[(verdicts["topic"] != ALIKE) & (verdicts["verdict"] != "not tested")]
    counts = own["verdict"].value_counts()
    numbers = [len(own), *(counts[name] for name in ("confirmed", "different but explained", "not confirmed"))]
    assert list(map(int, re.findall(r"\d+", said(STATEMENTS, evidence)["Reproduced"][0]))) == numbers


def test_sentences_follow_the_tables(evidence):
    def better(frame):
        rows = (frame["dataset"] == "pooled") & (frame["contrast"] == "fd_tse - edst_rg")
        frame.loc[rows, ["value", "low", "high"]] = [1.234, 1.1, 1.32]

    other = changed(evidence, "ablations", better)
    before, after = (said(STATEMENTS, given)["Alike"][0] for given in (evidence, other))
    assert "+0.05" in before
    assert "+1.23" in after
    assert "±1.35" in after


def test_only_what_is_significant_is_told_apart(evidence):
    rows = evidence.frames["table5"]
    p = rows[rows["metric"] == "datasets_wilcoxon_p_holm"].set_index("method")["value"]
    told = [title for name, title in METHODS.items() if name in PROPOSED and p[name] < 0.05]
    assert told == ["Dist-TSE"]
    assert said(STATEMENTS, evidence)["Significance"][1].endswith("at 5 % only Dist-TSE can be told apart from it.")

    def none(frame):
        frame.loc[frame["metric"] == "datasets_wilcoxon_p_holm", "value"] = 0.05

    sentence = said(STATEMENTS, changed(evidence, "table5", none))["Significance"][1]
    assert sentence.endswith("at 5 % none of them can be told apart from it.")


def test_what_the_refinement_adds_is_said_beside_none(evidence):
    frame = evidence.frames["ablations"]
    pooled = frame[(frame["dataset"] == "pooled") & (frame["setting"] == "refinement")].set_index("contrast")["value"]
    sentence = said(STATEMENTS, evidence)["Alike"][1]
    assert sentence.startswith(
        f"Compared with none, the comprehensive refinement adds {difference(pooled['comprehensive - none'], 2)} ("
    )
    assert f"in Table 1, adds {difference(pooled['eta - none'], 2)} (" in sentence


def test_work_on_a_part_of_the_rows_is_not_compared_with_print(evidence):
    rows = evidence.frames["table1"]
    part = rows["note"].fillna("").str.startswith("partial data: ")
    assert set(rows.loc[part, "dataset"]) == {"higgs"}
    times = rows[(rows["metric"] == "train_time") & ~part].dropna(subset=["value", "published"])
    operations, found, *_ = said(STATEMENTS, evidence)["Differences"]
    assert operations.startswith("Dense on Gesture Phase: 1.71·10¹³ operations published")
    ratios = times["published"] / times["value"]
    assert f"between {ratios.min():.1f} and {ratios.max():.1f} times" in found
    assert f"over {len(times)} rows" in found
    whole = changed(evidence, "table1", lambda frame: frame.__setitem__("note", ""))
    assert said(STATEMENTS, whole)["Differences"][1].startswith("Dense on HIGGS")


def test_links_on_blocked_places_are_reported(evidence):
    rows = pd.DataFrame([{"method": "fd_tse", "runs": 6, "links": 7200}])
    found = said(STATEMENTS, Evidence({**evidence.frames, FALLBACKS: rows}))["Differences"]
    assert "FD-TSE ran out of places that were not blocked in 6 runs and put 7,200 links" in " ".join(found)


def test_without_tables_nothing_is_said():
    assert not any(said(STATEMENTS, Evidence({})).values())


def test_lists_and_spans_read_well():
    assert [listed(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
    assert [listed(words) for words in (["a, x", "b"], ["a", "b, x", "c"])] == ["a, x; and b", "a; b, x; and c"]
    assert span(pd.Series([74.26, 74.04, 74.1])) == "74.0 to 74.3"
    assert span(pd.Series([1.01, 1.02])) == "1.0"
