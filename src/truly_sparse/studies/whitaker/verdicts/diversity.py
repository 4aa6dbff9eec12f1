"""Claims of chapter 7, how members differ, and what is printed beside them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from truly_sparse.analysis.evidence import Evidence
from truly_sparse.analysis.judging import Claim, Rule
from truly_sparse.analysis.rounding import less
from truly_sparse.studies.whitaker.verdicts.comparing import ABSENT, GREATER, PRINTED, Printed

RUNS_OF: dict[str, Any] = {"experiment": "whitaker_diversity"}
SALIENCY = "saliency"
#: Methods of that measurement: two cycles, or two children, of as many epochs.
SNAPSHOTS, CHILDREN = "snapshot_pair", "sse_pair"
#: Distances of saliency maps in figure 7.4, and what they are called.
DISTANCES = {
    "rmse": "root mean squared difference",
    "average_hash": "average hash",
    "perceptual_hash": "perceptual hash",
    "difference_hash": "difference hash",
    "wavelet_hash": "wavelet hash",
}
#: Ensembles that children of one parent are compared with.
OTHERS = {"snapshot": "snapshot ensembles", "dense_ensemble": "ensembles of dense networks"}


@dataclass(frozen=True)
class Correlations:
    """What the matrices of figure 7.1 print: mean correlation off the diagonal of two kinds of children."""

    one: str
    other: str
    of: str = ""

    def gap(self, evidence: Evidence) -> float:
        """Return `one` less `other`."""
        return less(*(off_diagonal(evidence, method) for method in (self.one, self.other)))


def off_diagonal(evidence: Evidence, method: str) -> float:
    """Return the mean of a printed matrix of figure 7.1 without its diagonal of ones."""
    rows = evidence.rows(PRINTED, table="whitaker_figure7_1_matrix", method=method)
    places = rows["setting"].str.removeprefix("member").str.split("_")
    return float(rows.loc[places.str[0] != places.str[1], "published"].mean())


def claims() -> Iterator[Claim]:
    """Yield the claims in the order of the page."""
    yield from _outputs()
    yield from _correlations()
    yield from _maps()


def _of(method: str) -> dict[str, Any]:
    return {**RUNS_OF, "method": method}


def _outputs() -> Iterator[Claim]:
    topic, where = "Diversity of outputs", "7.2, Table 7.1"
    for number, metric, words in (
        (1, "disagreement", "disagree more often"),
        (2, "kl_divergence", "diverge more (in nats)"),
    ):
        for method, name in OTHERS.items():
            keys: dict[str, Any] = {
                "one": _of("sse_np"),
                "other": _of(method),
                "metric": metric,
                "printed": Printed("table7_1", {"method": "sse_np"}, {"method": method}, metric),
            }
            text = f"Children of one parent {words} than members of {name}."
            yield Claim(f"d{number}/{method}", topic, text, where, GREATER, keys)


def _correlations() -> Iterator[Claim]:
    topic, where = "Sampling and correlation", "7.2, figure 7.1"
    for one, other, text in (
        ("sse_np", "sse_r", "Outputs of partitions are less correlated than those of children drawn at random."),
        ("sse_np_bag", "sse_np", "Each on rows of its own, they are less correlated again."),
    ):
        keys: dict[str, Any] = {"one": _of(one), "other": _of(other), "metric": "output_correlation", "sign": -1}
        keys["printed"] = Correlations(one, other)
        yield Claim(f"d3/{one}", topic, text, where, GREATER, keys)
    keys = {"one": _of("sse_np"), "other": _of("sse_np_bag")}
    keys["printed"] = Printed("figure7_1_summary", {"method": "sse_np"}, {"method": "sse_np_bag"})
    text = "More diverse is not more accurate: on all rows, partitions are more accurate than on rows of their own ..."
    yield Claim("d4/accuracy", topic, text, where, GREATER, keys)
    keys = {"one": _of("sse_np_bag"), "other": _of("sse_np"), "metric": "disagreement"}
    yield Claim("d4/disagreement", topic, "... and disagree less.", where, GREATER, keys)


def _maps() -> Iterator[Claim]:
    topic, where = "What members look at", "7.4, figure 7.4"
    children, snapshots = {"method": CHILDREN}, {"method": SNAPSHOTS}
    for metric, name in DISTANCES.items():
        keys: dict[str, Any] = {"one": children, "other": snapshots, "metric": metric, "frame": SALIENCY}
        keys["printed"] = Printed("figure7_4", {"method": "sse_np"}, {"method": "snapshot"}, metric)
        text = f"Saliency maps of two children lie further apart than those of two snapshots ({name})."
        yield Claim(f"d5/{metric}", topic, text, where, GREATER, keys)
    keys = {"one": snapshots, "other": children, "metric": "error_overlap", "frame": SALIENCY}
    text = "Errors of two children overlap less than those of two snapshots."
    yield Claim("d6/errors", topic, text, "7.2.1, figure 7.2", GREATER, keys)
    why = "the children whose maps are compared here are perceptrons, which have no channels to visualise"
    text = "Feature visualisations of children differ more than those of snapshots."
    yield Claim("d7/features", topic, text, "7.4, figure 7.3", ABSENT, {"why": why})


RULES: tuple[Rule, ...] = ()
