"""What chapters 4, 6 and 7 ask: noise without training, links that fall little by little, members that differ."""

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.names import dataset_title, method_title
from truly_sparse.analysis.reading import listed
from truly_sparse.analysis.rounding import less
from truly_sparse.analysis.statements import Statement
from truly_sparse.studies.whitaker.shown import ALL

NOISE, ANNEALING, DIVERSITY = "whitaker_table4_1", "whitaker_table6_1", "whitaker_table7_1"
#: How the eight of sixteen children that Table 4.1 shows are drawn and chosen, and those that are not chosen.
QUAD = {"dataset": ALL, "metric": "gain_accuracy", "kind": "quad", "members": 8}
#: Which links fall, in words.
FALLING = {"random": "random links", "magnitude": "the smallest links"}
#: Ensembles whose members are compared.
ENSEMBLES = ("sse_np_bag", "sse_np", "sse_r", "stochastic", "snapshot", "dense_ensemble")


def _noise(evidence: Evidence) -> str:
    chosen = evidence.rows(NOISE, **QUAD, choice="selected").iloc[0]
    others = evidence.rows(NOISE, **QUAD, choice="random").iloc[0]
    return (
        f"A network and eight noisy copies of it have {_points(chosen)} points more than the network alone where the "
        f"eight are the best of sixteen on validation rows (more on {chosen['note']} datasets), and {_points(others)} "
        "where they are any eight; no copy is trained."
    )


def _points(row: "pd.Series") -> str:
    interval = formats.interval(row["low"], row["high"])
    within = f" ({interval})" if interval != formats.NOTHING else ""
    return formats.difference(row["value"], 2) + within


def _annealing(evidence: Evidence) -> list[str]:
    rows = evidence.rows(ANNEALING, metric="accuracy", rate="one_cycle")
    rows = rows[rows["value"].notna()].fillna({"network": ""})
    sentences = []
    for (dataset, network), own in rows.groupby(["dataset", "network"], sort=False):
        parts = []
        for sampler, words in FALLING.items():
            added = _added(own[own["sampler"] == sampler])
            parts += [f"{formats.difference(points, 1)} points at sparsity {sparsity:g} ({words})"
                      for sparsity, points in added.items()]  # fmt: skip
        if parts:
            of = ", ".join(filter(None, (dataset_title(str(dataset)), str(network))))
            sentences.append(
                f"{of}: with a cycle of rates, links that fall with a temperature add to links that fall at once "
                f"{listed(parts)}."
            )
    if not sentences:
        raise Missing("no pair of annealing and one shot has finished")
    return sentences


def _added(rows: pd.DataFrame) -> dict[float, float]:
    """Return what annealing adds at the lowest and at the highest sparsity that both have been run at."""
    means = rows.groupby(["method", "sparsity"])["value"].mean()
    if not {"annealing", "one_shot"} <= set(means.index.get_level_values("method")):
        return {}
    annealed, at_once = means["annealing"], means["one_shot"]
    both = sorted(set(annealed.index) & set(at_once.index))
    return {one: less(annealed[one], at_once[one]) for one in dict.fromkeys((*both[:1], *both[-1:]))}


def _members(evidence: Evidence) -> str:
    rows = evidence.rows(DIVERSITY, metric="disagreement")
    rows = rows[rows["value"].notna() & rows["method"].isin(ENSEMBLES)]
    counts = rows.groupby("method")["dataset"].nunique()
    most = sorted(set(rows["dataset"]))
    methods = [name for name in ENSEMBLES if counts.get(name, 0) == len(most)]
    if len(methods) < 2:
        raise Missing("fewer than two ensembles have finished on every dataset")
    means = rows.groupby("method")["value"].mean()
    parts = [f"{method_title(name)} {100 * means[name]:.1f} %" for name in methods]
    return f"Two members disagree about this part of the test rows, means over {len(most)} datasets: {listed(parts)}."


STATEMENTS = (
    Statement("Noise", _noise),
    Statement("Annealing", _annealing),
    Statement("Members", _members),
)
