"""Convolutional networks: what of the source came out again, maps in 16 bits, and ensembles, which no source has."""

from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.judging import CONFIRMED, NOT_CONFIRMED, NOT_TESTED
from truly_sparse.analysis.names import dataset_title, method_title
from truly_sparse.analysis.reading import claims, confirmed, listed, span
from truly_sparse.analysis.statements import Statement
from truly_sparse.studies.spas.runs import CONVOLUTIONAL, EVOLVING, MODELS
from truly_sparse.studies.spas.tables.cnn_ensembles import BASELINE
from truly_sparse.studies.spas.tables.cnn_storage import MEASURES
from truly_sparse.studies.spas.tables.table5 import COMPARED
from truly_sparse.studies.spas.verdicts.claims import CONVOLUTIONAL as TOPIC

VERDICTS, TABLE4, TABLE5, FIGURE5 = "spas_verdicts", "spas_table4", "spas_table5", "spas_figure5"
STORAGE, ENSEMBLES = "spas_cnn_storage", "spas_cnn_ensembles"


def _counts(evidence: Evidence) -> str:
    rows = claims(evidence, topic=TOPIC, table=VERDICTS)
    every = evidence.rows(VERDICTS, topic=TOPIC)
    waiting = int((every["verdict"] == NOT_TESTED).sum())
    return (
        f"Claims about convolutional networks that are confirmed: {confirmed(rows, CONFIRMED)}; that are not: "
        f"{confirmed(rows, NOT_CONFIRMED)}; that could not be tested: {waiting}."
    )


def _best(evidence: Evidence) -> str:
    rows = evidence.rows(TABLE5, metric="delta_iqm")
    rows = rows[rows["method"].isin(CONVOLUTIONAL) & rows["value"].notna()]
    if rows.empty:
        raise Missing("no dataset has SPaS-CNN and another convolutional network")
    parts = [
        f"{formats.difference(row['value'])} {_printed(row['published'])}beside {MODELS[row['method']]} on "
        f"{dataset_title(row['dataset'])}"
        for row in rows.to_dict("records")
    ]
    skipping = MODELS[COMPARED[str(rows["method"].iloc[0])]]
    return f"Each in its best setting, the accuracy of {skipping} differs, in points, by {listed(parts)}."


def _printed(value: float) -> str:
    return "" if pd.isna(value) else f"(published {formats.difference(value)}) "


def _sparsest(evidence: Evidence) -> list[str]:
    """Say what evolving networks reach at the highest compression that has finished, a sentence for each dataset."""
    rows = evidence.rows(TABLE4, metric="iqm", mode=EVOLVING)
    rows = rows[rows["value"].notna()]
    sentences = []
    for dataset, own in rows.groupby("dataset", sort=False):
        most = own["compression"].max()
        parts = [
            f"{MODELS[row['model']]} {row['value']:.1f} %" + ("" if pd.isna(row["published"]) else
                                                              f" (published {row['published']:.1f})")
            for row in own[own["compression"] == most].to_dict("records")
        ]  # fmt: skip
        sentences.append(
            f"On {dataset_title(str(dataset))}, with topologies that evolve, compression {formats.number(most)} leaves "
            f"{listed(parts)}."
        )
    if not sentences:
        raise Missing("no evolving convolutional network has finished")
    return sentences


def _ratio(evidence: Evidence) -> list[str]:
    """Say which R is best at each number of links, a sentence for each dataset."""
    rows = evidence.rows(FIGURE5, kind="iqm")
    sentences = []
    for dataset, own in rows.groupby("dataset", sort=False):
        parts = [_best_ratio(of_budget) for _, of_budget in own.groupby("budget", sort=False) if len(of_budget) > 1]
        if parts:
            sentences.append(f"On {dataset_title(str(dataset))} the best R of SPaS-CNN is {listed(parts)}.")
    if not sentences:
        raise Missing("no number of links has two values of R")
    return sentences


def _best_ratio(rows: pd.DataFrame) -> str:
    ordered = rows.sort_values("value", ascending=False, kind="stable").to_dict("records")
    best, worst = ordered[0], ordered[-1]
    points = f"{best['value'] - worst['value']:.1f}"
    return f"{best['ratio']:g} with {best['budget']:,.0f} links ({points} points above the worst, {worst['ratio']:g})"


def _storage(evidence: Evidence) -> str:
    rows = evidence.rows(STORAGE, metric="difference")
    parts = []
    for name, measure, unit in (("accuracy", "test_accuracy", " points"), ("training loss", "train_loss", "")):
        digits = MEASURES[measure].digits
        own = [
            f"{formats.difference(row['value'], digits)}{unit} at {row['setting']}" + _interval(row, digits)
            for row in rows[rows["measure"] == measure].to_dict("records")
        ]
        parts += [f"the {name} by {listed(own)}"] if own else []
    decided = rows.dropna(subset="no_loss")
    lost = int((~decided["no_loss"].astype(bool)).sum())
    rule = f"; by the rules of Table F that is no loss in {len(decided) - lost} of {len(decided)} comparisons"
    return f"Maps in bfloat16 instead of float32 change {listed(parts)}{rule if len(decided) else ''}."


def _interval(row: dict[Any, Any], digits: int = 2) -> str:
    text = formats.interval(row["low"], row["high"], digits)
    return "" if text == formats.NOTHING else f" (95 % interval {text})"


def _ensembles(evidence: Evidence) -> list[str]:
    """Say what each ensemble has more than five independent networks, a sentence for each dataset."""
    rows = evidence.rows(ENSEMBLES, metric="accuracy")
    sentences = []
    for dataset, own in rows.groupby("dataset", sort=False):
        base = own[(own["method"] == BASELINE) & own["value"].notna()]
        others = own[own["gain"].notna()]
        if base.empty or others.empty:
            continue
        parts = [
            f"{method_title(row['method'])} {formats.difference(row['gain'], 2)}" + _interval(row)
            for row in others.to_dict("records")
        ]
        sentences.append(
            f"On {dataset_title(str(dataset))} five independent networks have {span(base['value'])} %; from that, "
            f"at about as many operations, differ in points: {listed(parts)}."
        )
    if not sentences:
        raise Missing("no ensemble of convolutional networks has finished beside five independent ones")
    return sentences


STATEMENTS = (
    *(Statement("Convolution", say) for say in (_counts, _best)),
    Statement("ConvolutionSparse", _sparsest),
    Statement("ConvolutionRatio", _ratio),
    Statement("Storage", _storage),
    Statement("PictureEnsembles", _ensembles),
)
