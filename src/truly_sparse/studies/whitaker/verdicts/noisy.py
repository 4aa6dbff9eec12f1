"""Claims of chapter 4, noisy subnetworks, and the rules that judge them from the measurement `noise`."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.judging import ALPHA, NOT_TESTED, Claim, Finding, Rule, verdict
from truly_sparse.analysis.rounding import less, settled
from truly_sparse.analysis.statistics.paired import Numbers
from truly_sparse.analysis.statistics.stratified import FEW_SEEDS, over_groups
from truly_sparse.studies.whitaker.verdicts.comparing import (
    GREATER,
    PRINTED,
    counted,
    judged,
    judged_trend,
    pairs,
    rises,
    rising,
    shown,
)

NOISE = "noise"
GRID: dict[str, Any] = {"part": "grid"}
#: The ensemble of Table 4.1: eight of sixteen children, chosen by their accuracy on held-out rows.
SELECTED: dict[str, Any] = {"part": "population", "kind": "quad", "choice": "selected", "members": 8}
#: Points by which accuracy has fallen where noise is too strong.
FALLEN = 2.0
#: Divergences of the target, of weak and of strong noise.
TARGET, WEAK, STRONG = 0.02, 0.02, 0.1
DENSE, SPARSE = 0.0, 0.9
#: Between which divergences accuracy is compared with a line, and what of its variance the line must explain.
LINE, EXPLAINED_PART, DATASETS_PART = (0.005, 0.5), 0.9, 0.8
#: Where the divergence at which networks begin to lose accuracy is looked for.
ONSET = (0.01, 0.1)
#: Measures of Table 4.1, and the sign with which larger is better.
MEASURES = {"accuracy": 1, "nll": -1, "ece": -1}


@dataclass(frozen=True)
class Gain:
    """What Table 4.1 prints: by how much ensembles are better than their parents, the mean over its ten networks."""

    metric: str
    of: str = ""

    def gap(self, evidence: Evidence) -> float:
        """Return the mean of ensemble less parent."""
        values = printed_gains(evidence, self.metric)
        return settled(float(values.mean()), 1.0)


def printed_gains(evidence: Evidence, metric: str) -> "pd.Series[float]":
    """Return ensemble less parent of a measure for the ten networks of Table 4.1."""
    rows = evidence.rows(PRINTED, table="whitaker_table4_1")
    ensemble, parent = (
        rows[rows["metric"] == f"{whom}_{metric}"].set_index("setting")["published"] for whom in ("ensemble", "parent")
    )
    return ensemble.combine(parent, less)


def claims() -> Iterator[Claim]:
    """Yield the claims in the order of the page."""
    yield from _window()
    yield from _divergence()
    yield from _ensembles()


def _window() -> Iterator[Claim]:
    topic, where = "Noise on fewer links", "4.3.1, figure 4.2"
    text = "With noise on fewer links a network keeps its accuracy at larger deviations."
    yield Claim("n1/accuracy", topic, text, where, SURVIVES)
    text = "The deviation that costs two points grows with the part of links that get no noise."
    yield Claim("n1/deviation", topic, text, where, WINDOW)
    topic, where = "Noise of the same strength", "4.1, 4.4"
    keys: dict[str, Any] = {
        "one": {"part": "norm", "sparsity": SPARSE},
        "other": {**GRID, "sparsity": DENSE},
        "by": ("norm",),
        "frame": NOISE,
    }
    text = "With the same norm, noise on a tenth of the links costs less accuracy than on all (K5)."
    yield Claim("n2/norm", topic, text, where, GREATER, keys)
    text = "At the same divergence, networks with noise on a tenth of the links disagree more than with noise on all."
    yield Claim("n2/divergence", topic, text, where, AT_DIVERGENCE)


def _divergence() -> Iterator[Claim]:
    topic = "Divergence"
    text = "The loss of accuracy is a straight line in the divergence."
    yield Claim("n3/line", topic, text, "4.2.1, figure 4.3", STRAIGHT)
    text = "Networks begin to lose accuracy at a divergence of 0.02 to 0.05."
    yield Claim("n4/onset", topic, text, "4.3.2", BEGINS)
    topic, where = "Mean and vote", "4.3.2, figure 4.3"
    text = "With strong noise the mean of probabilities is more accurate than the vote."
    yield Claim("n5/strong", topic, text, where, AVERAGED, {"metric": "accuracy", "least": STRONG})
    text = "With strong noise its accuracy varies less from draw to draw."
    yield Claim("n5/steady", topic, text, where, AVERAGED, {"metric": "spread", "least": STRONG})
    text = "With weak noise it makes no difference (0.1 points)."
    yield Claim("n5/weak", topic, text, where, AVERAGED, {"metric": "accuracy", "most": WEAK, "delta": 0.1})


def _ensembles() -> Iterator[Claim]:
    topic, where = "Noisy ensembles", "4.3.3, Table 4.1"
    keys: dict[str, Any] = {
        "one": SELECTED,
        "other": SELECTED,
        "other_metric": "parent_accuracy",
        "frame": NOISE,
        "printed": Gain("accuracy"),
    }
    text = "An ensemble of noisy networks is more accurate than its parent."
    yield Claim("n6/accuracy", topic, text, where, GREATER, keys)
    for metric, name in (("nll", "likelihood"), ("ece", "calibration")):
        text = f"It has the better {name}."
        yield Claim(f"n6/{metric}", topic, text, where, IMPROVED, {"metric": metric})
    text = "The gains in accuracy are small (0.02 to 0.41 points)."
    yield Claim("n7/small", topic, text, where, SMALL, {"low": -0.1, "high": 0.5})
    topic, where = "Choosing and balancing", "4.2.2"
    keys = {"one": SELECTED, "other": {**SELECTED, "choice": "random"}, "frame": NOISE}
    text = "Choosing eight of sixteen by their accuracy on held-out rows is better than any eight."
    yield Claim("n8/chosen", topic, text, where, GREATER, keys)
    for metric, name in (("accuracy", "accuracy"), ("kl_ensemble", "divergence from the parent")):
        text = f"With mirrored and partitioned noise an ensemble's {name} varies less from draw to draw."
        yield Claim(f"n9/{metric}", topic, text, where, CALMER, {"metric": metric})


def grid(evidence: Evidence) -> pd.DataFrame:
    """Return what noise does to networks, a row per (dataset, seed, sparsity, sd); Missing without."""
    return evidence.rows(NOISE, **GRID)


def _survives(evidence: Evidence) -> Finding:
    rows = grid(evidence)
    above, low = 0, []
    strong = _strong(rows)
    if not strong:
        raise Missing(f"no deviation of noise on all links costs {FALLEN:g} points")
    for sd in strong:
        found = rising(_series(rows[rows["sd"] == sd], "accuracy"))
        if found.p is None:
            raise Missing(FEW_SEEDS)
        above += rises(found)
        low.append(found.mean)
    why = f"rank correlations from {formats.difference(min(low), 2)} to {formats.difference(max(low), 2)}"
    holds = above == len(strong)
    return Finding(f"{above} of {len(strong)}", formats.NOTHING, verdict(holds), why, above / len(strong))


def _strong(rows: pd.DataFrame) -> list[float]:
    """Return the deviations at which noise on all links costs `FALLEN` points or more, as a mean over datasets."""
    dense = rows[rows["sparsity"] == DENSE]
    loss = dense.groupby(["sd", "dataset"])["loss"].mean().groupby(level="sd").mean()
    return [float(sd) for sd in loss.index[loss >= FALLEN]]


def _series(rows: pd.DataFrame, metric: str) -> dict[str, dict[float, list[float]]]:
    """Return a measure by dataset and sparsity, for the seeds that have all of these."""
    series: dict[str, dict[float, list[float]]] = {}
    for dataset, own in rows.groupby("dataset", sort=False):
        wide = own.pivot_table(metric, "seed", "sparsity").dropna()
        if len(wide) and wide.shape[1] > 2:
            series[str(dataset)] = {float(str(sparsity)): wide[sparsity].tolist() for sparsity in wide}
    if not series:
        raise Missing("no dataset has three sparsities")
    return series


SURVIVES = Rule(
    "survives",
    "Deviations of the noise at which noise on all links costs two points or more, and of these, at how many accuracy "
    "on held-out rows rises with the part of links that get none (rule trend). Confirmed: at all.",
    _survives,
)


def _window_of(evidence: Evidence) -> Finding:
    rows = grid(evidence)
    keys = ["dataset", "seed", "sparsity"]
    ends = [
        {**dict(zip(keys, key, strict=True)), "sd": crossing(own["sd"], own["loss"], FALLEN)}
        for key, own in rows.sort_values("sd").groupby(keys, sort=False)
    ]
    return judged_trend(rising(_series(pd.DataFrame(ends), "sd")))


def crossing(deviations: "pd.Series[float]", losses: "pd.Series[float]", wanted: float) -> float:
    """Return the first deviation at which the loss is `wanted`, between logarithms; the last one where it never is."""
    points = list(zip(deviations, losses, strict=True))
    for place, (sd, loss) in enumerate(points):
        if loss >= wanted:
            if place == 0:
                return float(sd)
            before, below = points[place - 1]
            return float(before * (sd / before) ** ((wanted - below) / (loss - below)))
    return float(points[-1][0])


WINDOW = Rule(
    "window",
    "As rule trend, of the deviation at which accuracy on held-out rows is two points below the parent's (straight "
    "between logarithms of deviations) and the part of links that get no noise.",
    _window_of,
)


def _at_divergence(evidence: Evidence) -> Finding:
    values: dict[str, list[float]] = {}
    for (dataset, _), own in grid(evidence).groupby(["dataset", "seed"], sort=False):
        ends = [disagreement_at(own[own["sparsity"] == sparsity], TARGET) for sparsity in (SPARSE, DENSE)]
        if ends[0] is not None and ends[1] is not None:
            values.setdefault(str(dataset), []).append(less(ends[0], ends[1]))
    if not values:
        raise Missing(f"no parent's grid reaches a divergence of {TARGET:g} at both sparsities")
    return judged(_arrays(values), "disagreement", 0.0)


def disagreement_at(rows: pd.DataFrame, wanted: float) -> float | None:
    """Return the disagreement of noisy networks at a divergence, between logarithms; None where it is not met."""
    points = rows.sort_values("sd")[["kl", "disagreement"]].to_numpy(float).tolist()
    for (below, one), (above, other) in zip(points, points[1:], strict=False):
        if 0 < below <= wanted < above and one > 0:
            return float(one * (other / one) ** (math.log(wanted / below) / math.log(above / below)))
    return None


AT_DIVERGENCE = Rule(
    "at divergence",
    "As rule greater, of the part of held-out rows on which two noisy networks disagree where their mean divergence "
    "from the parent is 0.02 (straight between logarithms): noise on a tenth of the links less noise on all.",
    _at_divergence,
)


def _straight(evidence: Evidence) -> Finding:
    parts = {}
    for dataset, own in grid(evidence).groupby("dataset", sort=False):
        cells = own.groupby(["sparsity", "sd"])[["kl", "loss"]].mean()
        cells = cells[cells["kl"].between(*LINE)]
        if len(cells) > 2 and (cells.max() > cells.min()).all():
            parts[str(dataset)] = float(stats.linregress(cells["kl"], cells["loss"]).rvalue) ** 2
    if not parts:
        raise Missing("no dataset has three cells of the grid in the range of divergences")
    good = sum(part >= EXPLAINED_PART for part in parts.values())
    why = f"explained: {min(parts.values()):.2f} to {max(parts.values()):.2f}"
    holds = good >= DATASETS_PART * len(parts)
    return Finding(f"{good} of {len(parts)}", formats.NOTHING, verdict(holds), why, good / len(parts))


STRAIGHT = Rule(
    "straight",
    "Datasets on which a straight line through cells of the grid with a divergence of 0.005 to 0.5 explains 0.9 of the "
    "variance of the loss of accuracy (means over seeds). Confirmed: at least 80 % of them.",
    _straight,
)


def _begins(evidence: Evidence) -> Finding:
    onsets: list[float] = []
    never = 0
    for _, own in grid(evidence).groupby(["dataset", "seed", "sparsity"], sort=False):
        clear = [loses(row) for row in own.sort_values("sd").to_dict("records")]
        # The weakest noise from which on every stronger one costs accuracy, too: not one chance among many.
        lasting = [place for place in range(len(clear)) if all(clear[place:])]
        if lasting:
            onsets.append(float(own.sort_values("sd")["kl"].iloc[lasting[0]]))
        never += not lasting
    if len(onsets) <= never:
        raise Missing("most noise of the grid costs no accuracy")
    # Where none costs accuracy, the onset lies above all that were tried.
    value = settled(float(np.median([*onsets, *[math.inf] * never])), 1.0)
    holds = ONSET[0] <= value <= ONSET[1]
    why = f"median of {len(onsets) + never} parents and sparsities, of which {never} lose nothing; of the others, "
    why += f"quarters {_quarters(onsets)}"
    return Finding(f"{value:.3f}", "0.02 to 0.05", verdict(holds), why, value)


def loses(row: dict[Any, Any]) -> bool:
    """Say whether a cell of the grid has lost accuracy, by a one-sided t test over its draws."""
    if row["loss_sd"] == 0:
        return bool(row["loss"] > 0)
    t = row["loss"] / (row["loss_sd"] / math.sqrt(row["draws"]))
    return bool(stats.t.sf(t, row["draws"] - 1) < ALPHA)


def _quarters(values: list[float]) -> str:
    low, high = np.quantile(values, (0.25, 0.75))
    return f"{low:.3f} and {high:.3f}"


BEGINS = Rule(
    "begins",
    "Mean divergence of the weakest noise that costs accuracy (one-sided t test over draws), and every stronger one, "
    "too; the median over parents and sparsities, those that lose nothing being above all others. Confirmed: it lies "
    "in 0.01 to 0.1, twice as wide as the printed range on either side.",
    _begins,
)


def _averaged(
    evidence: Evidence, metric: str, least: float = 0.0, most: float = math.inf, delta: float = 0.0
) -> Finding:
    rows = evidence.rows(NOISE, part="combining")
    keys = ["dataset", "seed", "sd"]
    cells = rows.groupby(keys, sort=False).agg(
        kl=("kl", "mean"), mean=("accuracy", "mean"), mean_sd=("accuracy", "std"), vote=("vote", "mean"),
        vote_sd=("vote", "std"),
    )  # fmt: skip
    cells = cells[(cells["kl"] > least) & (cells["kl"] < most)]
    if cells.empty:
        raise Missing(f"no noise with a divergence of {least:g} to {most:g}")
    one, other = ("vote_sd", "mean_sd") if metric == "spread" else ("mean", "vote")
    gaps = cells[one].combine(cells[other], less).groupby(level=["dataset", "seed"], sort=False).mean()
    values = {str(name): part.to_numpy() for name, part in gaps.groupby(level="dataset", sort=False)}
    return judged(values, "accuracy", -delta, delta or math.inf)


AVERAGED = Rule(
    "averaged",
    "As rule greater, of a parent and four noisy children on the test rows, mean probabilities less vote, over all "
    "deviations whose mean divergence is above 0.1 (strong) or below 0.02 (weak); of the spread, the vote's standard "
    "deviation over draws less that of the mean. Confirmed: the interval lies above zero; with weak noise, closer to "
    "it than 0.1.",
    _averaged,
)


def improved(gains: "pd.Series[float]", metric: str) -> int:
    """Return how many gains have the sign that is better for a measure."""
    return int((MEASURES[metric] * gains > 0).sum())


def _improved(evidence: Evidence, metric: str) -> Finding:
    values = pairs(evidence, SELECTED, SELECTED, metric=metric, other_metric=f"parent_{metric}", frame=NOISE)
    means = pd.Series({name: float(numbers.mean()) for name, numbers in values.items()})
    printed = printed_gains(evidence, metric)
    ours, share = improved(means, metric), improved(printed, metric) / len(printed)
    words = f"{improved(printed, metric)} of {len(printed)}"
    holds = ours >= share * len(means)
    why = f"mean {shown(float(means.mean()), metric)}; printed {shown(float(printed.mean()), metric)}"
    return Finding(f"{ours} of {len(means)}", words, verdict(holds), why, ours / len(means), share)


IMPROVED = Rule(
    "improved",
    "Datasets on which the mean over parents is better than the parents' (in print: networks). Confirmed: at least the "
    "printed share.",
    _improved,
)


def _small(evidence: Evidence, low: float, high: float) -> Finding:
    values = pairs(evidence, SELECTED, SELECTED, other_metric="parent_accuracy", frame=NOISE)
    printed = printed_gains(evidence, "accuracy")
    words = f"{shown(float(printed.min()), 'accuracy')} to {shown(float(printed.max()), 'accuracy')}"
    return judged(values, "accuracy", low, high, words, Gain("accuracy").gap(evidence))


SMALL = Rule(
    "small",
    "As rule greater, of the ensemble's accuracy less its parent's. Confirmed: the whole interval lies between minus "
    "0.1 and 0.5 points.",
    _small,
)


def _calmer(evidence: Evidence, metric: str) -> Finding:
    rows = evidence.rows(NOISE, part="population", choice="all")
    found = {kind: _ratios(rows, kind, metric) for kind in ("quad", "mirrored")}
    if not found["quad"]:
        raise Missing("no parent has two populations of each kind that vary")
    ratio, pairs_only = (over_groups(values) if values else None for values in found.values())
    assert ratio is not None
    why = counted({name: -numbers for name, numbers in found["quad"].items()}).replace("above 0", "smaller")
    if pairs_only is not None:
        why += f"; mirrored only {formats.ratio(math.exp(pairs_only.mean))}"
    value = settled(math.exp(ratio.mean), 1.0)
    if ratio.low is None or ratio.high is None:
        return Finding(formats.ratio(value), formats.NOTHING, NOT_TESTED, f"{why}; {FEW_SEEDS}", value)
    ours = f"{formats.ratio(value)} ({formats.ratio(math.exp(ratio.low))} to {formats.ratio(math.exp(ratio.high))})"
    return Finding(ours, formats.NOTHING, verdict(ratio.high < 0), why, value)


def _ratios(rows: pd.DataFrame, kind: str, metric: str) -> dict[str, Numbers]:
    """Return by dataset the logarithms of a variance over draws with a kind of noise over that with independent."""
    variance = rows.groupby(["dataset", "seed", "kind"], sort=False)[metric].var()
    wide = variance.reset_index().pivot_table(metric, ["dataset", "seed"], "kind", sort=False)
    if kind not in wide or "independent" not in wide:
        return {}
    own = wide[(wide[kind] > 0) & (wide["independent"] > 0)]
    logs = (own[kind] / own["independent"]).map(math.log)
    return {str(name): part.to_numpy() for name, part in logs.groupby(level="dataset", sort=False)}


CALMER = Rule(
    "calmer",
    "Variance over populations, with noise in mirrored and partitioned fours over that with independent noise, of the "
    "ensemble of all sixteen children and their parent; the geometric mean over parents and datasets, with an interval "
    "as in rule greater. Confirmed: the interval lies below one.",
    _calmer,
)


def _arrays(values: dict[str, list[float]]) -> dict[str, Numbers]:
    return {name: np.array(numbers, np.float64) for name, numbers in values.items()}


RULES = (SURVIVES, WINDOW, AT_DIVERGENCE, STRAIGHT, BEGINS, AVERAGED, IMPROVED, SMALL, CALMER)
