"""What the comparison of all methods found, in sentences."""

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.reading import listed
from truly_sparse.analysis.statements import Statement
from truly_sparse.analysis.statistics.paired import compare
from truly_sparse.studies.across.cells import BASELINE

TABLE, BY_DATASET = "across_table1", "across_table2"
#: As for a verdict.
LEVEL = 0.05
#: Methods whose names are plurals.
PLURAL = ("sparse_subnetworks", "stochastic_subnetworks", "set_ensemble_cost")
#: EDST_RG with the refinement of FD-TSE, and with its own.
EDST = ("edst_rg_comprehensive", "edst_rg")
#: What the second half of a member's epochs changes, in words.
REFINEMENTS = {
    "comprehensive": "With the comprehensive refinement (in the second half of a member's epochs half the rate, half "
    "the pruned fraction and rarer steps of the topology) train",
    "eta": "With half the rate alone",
    "none": "Without any",
}


def _order(evidence: Evidence) -> str:
    every = evidence.rows(TABLE)
    rows = every[every["metric"] == "rank"].sort_values("value", kind="stable")
    named = [f"{method_title(str(row['method']))} ({row['value']:.2f})" for row in rows.to_dict("records")]
    datasets, own = rows["datasets"].iloc[0], every[every["metric"] == "accuracy"].set_index("method")["datasets"]
    last = ", where a network that diverges is last," if (own[rows["method"]] < datasets).any() else ""
    unranked = [method_title(str(name)) for name in own.index if name not in set(rows["method"])]
    without = f" Not ranked, as runs are missing on some: {listed(unranked)}." if unranked else ""
    return f"By mean rank of accuracy over {datasets} datasets{last} the order is {listed(named)}.{without}"


def _against_one(evidence: Evidence) -> list[str]:
    """Say which methods are told apart from one network trained for the same operations."""
    gains = evidence.rows(TABLE, metric="gain")
    if gains["p_holm"].isna().all():
        raise Missing("too few datasets for a test")
    told = gains["p_holm"].astype(float) < LEVEL
    sentences = [
        _gains("better", gains[told & (gains["value"] > 0)]),
        _gains("worse", gains[told & (gains["value"] < 0)]),
    ]
    others = [f"{method_title(str(row['method']))} ({row['datasets']:.0f})" for row in gains[~told].to_dict("records")]
    sentences.append(
        f"No difference from it is shown for {listed(others)}; in brackets over how many datasets." if others else ""
    )
    return [sentence for sentence in sentences if sentence]


def _gains(word: str, rows: pd.DataFrame) -> str:
    if rows.empty:
        return f"No method is {word} than one sparse network of the same operations (Holm, 5 %)."
    named = [
        f"{method_title(str(row['method']))} ({formats.difference(row['value'], 2)} points, better on "
        f"{row['wins']:.0f} of {row['datasets']:.0f} datasets)"
        for row in rows.to_dict("records")
    ]
    return f"Told apart from one sparse network of the same operations, and {word}: {listed(named)}."


def _probabilities(evidence: Evidence) -> list[str]:
    """Say which methods have the best log loss and calibration, beside that of one network, over its datasets."""
    sentences = []
    for metric, words in (("log_loss", "log loss"), ("ece", "calibration error")):
        rows = evidence.rows(TABLE, metric=metric).set_index("method")
        means = rows.loc[rows["datasets"] == rows.loc[BASELINE, "datasets"], "value"].astype(float)
        best = str(means.idxmin())
        sentences.append(
            f"Of methods with all {int(rows['datasets'][BASELINE])} datasets, {method_title(best)} "
            f"{'has' if best not in PLURAL else 'have'} the lowest mean {words} ({means[best]:.3f}; one network "
            f"{means[BASELINE]:.3f})."
        )
    return sentences


def _refinement(evidence: Evidence) -> list[str]:
    """Say which refinement each method trains with, and what EDST_RG has with that of the others."""
    rows = evidence.rows(TABLE, metric="accuracy")
    sentences = []
    for name, words in REFINEMENTS.items():
        own = [method_title(str(method)) for method in rows[rows["refinement"] == name]["method"]]
        sentences += [f"{words}: {listed(own)}."] if own else []
    return sentences


def _alike(evidence: Evidence) -> str:
    """Say how far FD-TSE is from EDST_RG with the same refinement, and what that refinement adds to EDST_RG."""
    rows = evidence.rows(BY_DATASET, metric="accuracy")
    wide = rows.pivot_table("value", "dataset", "method").reindex(columns=[*EDST, "fd_tse"]).dropna()
    if len(wide) < 2:
        raise Missing("fewer than two datasets have runs of both refinements")
    alike, eta, fd_tse = (wide[name].to_numpy(float) for name in wide)
    regrown, refined = compare(fd_tse, alike), compare(alike, eta)
    points, added = (
        f"{formats.difference(found['difference'], 2)} points ({formats.interval(found['low'], found['high'])})"
        for found in (regrown, refined)
    )
    return (
        f"Over the {len(wide)} datasets that have runs of EDST_RG with the comprehensive refinement, FD-TSE differs "
        f"from it by {points}, and it from EDST_RG with half the rate alone by {added}."
    )


STATEMENTS = (
    Statement("Order", _order),
    Statement("AgainstOne", _against_one),
    Statement("Probabilities", _probabilities),
    Statement("Refinement", _refinement),
    Statement("Refinement", _alike),
)
