"""What the re-measurement of the thesis found, in sentences."""

from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.judging import EXPLAINED, NOT_CONFIRMED, NOT_TESTED
from truly_sparse.analysis.names import dataset_title, method_title
from truly_sparse.analysis.origin import marked_title
from truly_sparse.analysis.reading import claims, confirmed, datasets, listed, span
from truly_sparse.analysis.statements import Statement
from truly_sparse.analysis.tse import ACCURACY, ENSEMBLES, EPSILON, PROPOSED
from truly_sparse.studies.thesis.member_topology import FIRST
from truly_sparse.studies.thesis.verdicts.claims import ALIKE

VERDICTS, FAIR, TABLE7, TABLE12 = "thesis_verdicts", "thesis_fair", "thesis_table7", "thesis_table12"
FIGURES = ("thesis_figure9", "thesis_figure10", "thesis_figure11")
#: Models with the ensembles' own schedule, and what they are in a sentence.
_SCHEDULED = {
    "set_mlp_tse": "one evolving sparse network",
    "static_tse": "one static sparse network",
    "dense_tse": "one dense network",
    "set_ensemble_cost": "five independent SET-MLPs of the same cost in all",
}


def _counts(evidence: Evidence) -> str:
    rows = claims(evidence, table=VERDICTS)
    rows, alike = rows[rows["topic"] != ALIKE], rows[rows["topic"] == ALIKE]
    waiting = int((evidence.rows(VERDICTS)["verdict"] == NOT_TESTED).sum())
    words = (
        f"Of {len(rows)} claims that could be tested by the thesis' own protocol, {confirmed(rows)} are confirmed, "
        f"{confirmed(rows, EXPLAINED)} differ only as explained, and {confirmed(rows, NOT_CONFIRMED)} are not confirmed"
    )
    words += f"; of {len(alike)} that train both sides alike, {confirmed(alike)} are confirmed" if len(alike) else ""
    return f"{words}. Claims that could not be tested: {waiting}."


def _images(evidence: Evidence) -> list[str]:
    rows = evidence.rows(TABLE7, metric=ACCURACY)
    rows = rows[rows["method"].isin(ENSEMBLES) & rows["value"].notna() & rows["published"].notna()]
    if rows.empty:
        raise Missing("no ensemble has finished")
    title, sentences = dataset_title(rows["dataset"].iloc[0]), []
    for epsilon, own in rows.groupby("epsilon"):
        sentences.append(
            f"On {title} the sparse ensembles reach {span(own['value'])} % at ε = "
            f"{formats.number(float(str(epsilon)))} (published {span(own['published'])} %)."
        )
    return sentences


def _order(evidence: Evidence) -> list[str]:
    """Say by how much EDST_RG is ahead of the disjoint methods; with one seed, that this is all there is."""
    rows = evidence.rows(VERDICTS)
    rows = rows[rows["claim"].str.startswith("ahead/cifar10/") & rows["value"].notna()]
    return [
        f"EDST_RG is ahead of {method_title(str(row['claim']).rsplit('/', 1)[1])} by "
        f"{formats.difference(row['value'], 2)} points over all ε (published "
        f"{formats.difference(row['published'], 2)}; {row['note']})."
        for row in rows.to_dict("records")
    ]


def _refinement(evidence: Evidence) -> str:
    parts = []
    rows = evidence.rows(TABLE12, metric=ACCURACY)
    rows = rows[rows["method"].isin(PROPOSED)]
    for name in datasets(rows):
        own = rows[rows["dataset"] == name]
        gain, said = (_gain(own, column) for column in ("value", "published"))
        if gain is not None:
            title = marked_title(name, own["note"].fillna(""))
            parts.append(f"{formats.difference(gain, 2)} points on {title} (published {formats.difference(said, 2)})")
    if not parts:
        raise Missing("no proposed method has finished with and without comprehensive refinement")
    return f"The comprehensive refinement is worth, on average over the three proposed methods, {listed(parts)}."


def _gain(rows: pd.DataFrame, column: str) -> float | None:
    """Return what the comprehensive refinement adds to the mean of all proposed methods; None where one is missing."""
    means = rows.pivot_table(column, "refinement", "method").reindex(columns=list(PROPOSED))
    known = means.dropna().mean(axis=1)
    return float(known["comprehensive"] - known["eta"]) if {"comprehensive", "eta"} <= set(known.index) else None


def _fair(evidence: Evidence) -> list[str]:
    """Say what models with the ensembles' own training reach beside them, a sentence for each dataset."""
    rows = evidence.rows(FAIR)
    rows = rows[rows["value"].notna()]
    sentences = []
    for name in datasets(rows):
        own = rows[rows["dataset"] == name]
        accuracy: dict[Any, float] = own.set_index("method")["value"].to_dict()
        if not set(ENSEMBLES) <= set(accuracy):
            continue
        mean = sum(accuracy[method] for method in ENSEMBLES) / len(ENSEMBLES)
        fair = [f"{words} {accuracy[method]:.1f} %" for method, words in _SCHEDULED.items() if method in accuracy]
        if fair:
            sentences.append(
                f"On {marked_title(name, own['note'].fillna(''))} the four ensembles have {mean:.1f} % on average at "
                f"ε = {EPSILON}; with their rate and schedule, {listed(fair)}."
            )
    return sentences


def _dense(evidence: Evidence) -> str:
    (row,) = claims(evidence, "rate", table=VERDICTS).to_dict("records")
    return (
        f"On CIFAR-10 a dense network gains {formats.difference(row['value'])} points over the thesis' rate at a "
        f"higher one ({row['note']})."
    )


def _weights(evidence: Evidence) -> str:
    weights, operations = (
        claims(evidence, f"{what}/cifar10/{EPSILON}", table=VERDICTS).iloc[0] for what in ("weights", "operations")
    )
    return (
        f"At ε = {EPSILON} an ensemble of five has {formats.ratio(weights['value'])} the weights of one dense network "
        f"on CIFAR-10 and takes {formats.ratio(operations['value'])} its operations to train (published "
        f"{formats.printed_ratio(weights['published'])} and {formats.printed_ratio(operations['published'])}; counted "
        "otherwise, see Table V2)."
    )


def _time(evidence: Evidence) -> str:
    row = claims(evidence, f"time/cifar10/{EPSILON}", table=VERDICTS).iloc[0]
    return (
        f"It trains in {formats.ratio(row['value'])} the time of a dense network (published "
        f"{formats.printed_ratio(row['published'])}; {row['note']})."
    )


def _apart(evidence: Evidence) -> list[str]:
    sentences = []
    for figure in FIGURES:
        try:
            rows = evidence.rows(figure, kind="distance_mean", block=FIRST)
        except Missing:
            continue
        sentences.append(
            f"The members of one ensemble on {dataset_title(rows['dataset'].iloc[0])} are "
            f"{span(rows['value'], 4)} apart in topology, whichever method made them."
        )
    if not sentences:
        raise Missing("no topology has been measured")
    return sentences


def _fails(evidence: Evidence) -> str:
    rows = claims(evidence, "fails/", table=VERDICTS)
    return (
        f"EDST_RG, which is printed with {span(rows['published'])} % on HIGGS, the share of the larger class, has "
        f"{span(rows['value'])} % here, and was corrected by the journal."
    )


STATEMENTS = (
    Statement("Counts", _counts),
    *(Statement("Images", say) for say in (_images, _order)),
    *(Statement("Protocol", say) for say in (_refinement, _dense)),
    Statement("Alike", _fair),
    Statement("Tabular", _fails),
    *(Statement("Cost", say) for say in (_weights, _time)),
    Statement("Topology", _apart),
)
