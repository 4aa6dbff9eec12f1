"""Claims of chapter 5, sparse subnetworks, and of the controls that it lacks; and rules that only these need."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.judging import CONFIRMED, EXPLAINED, NOT_TESTED, Claim, Finding, Rule, verdict
from truly_sparse.analysis.names import dataset_title, method_title
from truly_sparse.analysis.statistics.paired import Numbers
from truly_sparse.analysis.statistics.stratified import FEW_SEEDS, over_groups, trend
from truly_sparse.studies.whitaker.verdicts.comparing import (
    ABSENT,
    ALIKE,
    GREATER,
    NO_WORSE,
    PRINTED,
    RUNS,
    SIGNS,
    Keys,
    Printed,
    curves,
    exact,
    judged,
    judged_trend,
    named,
    operations,
    pairs,
    picked,
    rising,
    shown_interval,
)

SMALL: dict[str, Any] = {"experiment": "whitaker_small", "optimiser": "adam", "judged": True}
#: LeNet-S and LeNet-L, of which L is a network of Table 5.1, by the channels and neurons that tell them apart.
LENETS: dict[str, dict[str, Any]] = {
    "lenet_s": {"experiment": "whitaker_lenet", "hidden": "16-32-256-128"},
    "lenet_l": {"experiment": "whitaker_lenet", "hidden": "64-128-1024-512"},
}
#: Which of a single network and of bagging is behind in the row of LeNet-L of Table 5.1, by dataset, and which ahead.
BEHIND = {"cifar10": ("dense", "bagging"), "cifar100": ("bagging", "dense")}
SINGLE = {"dense": "a single network", "bagging": "bagging"}
LARGE: dict[str, Any] = {"experiment": "whitaker_large"}
PARTS: dict[str, Any] = {"experiment": "whitaker_parts", "method": "sse_np"}
RATES: dict[str, Any] = {"experiment": "whitaker_rates", "judged": True}
SPARSITY: dict[str, Any] = {"experiment": "whitaker_sparsity", "judged": True}
SIZE: dict[str, Any] = {"experiment": "whitaker_size", "judged": True}
SPLIT: dict[str, Any] = {"experiment": "whitaker_split"}
SPARSE: dict[str, Any] = {"experiment": "whitaker_sparse_parent"}
EARLY: dict[str, Any] = {"experiment": "whitaker_early"}
#: A measurement.
LANDSCAPE = "landscape"
SIZES = (4, 8, 16, 32, 64, 128)
CHOSEN_SPLIT = 140
#: What operations of 200 dense epochs are with parts of a half, a third and a sixth, as printed.
OPERATIONS = {2: 0.85, 3: 0.80, 6: 0.75}
EPSILONS = (20, 100)


def claims() -> Iterator[Claim]:
    """Yield the claims in the order of the page."""
    yield from _small()
    yield from _lenet()
    yield from _sampling()
    yield from _sparsity()
    yield from _size()
    yield from _large()
    yield from _parts()
    yield from _others()


def ours() -> Iterator[Claim]:
    """Yield what the source does not ask: whether sparsity and inheritance make the gain, and sparse parents."""
    topic = "Ours: why children help"
    sse, where = {**LARGE, "method": "sse_np"}, ""
    for method, text in (
        ("sse_unpruned", "Children that lose half of the links are better than children that lose none (K1)."),
        ("sse_fresh", "Children that inherit the parent's values are better than the same links with fresh ones (K2)."),
        ("sparse_ensemble", "... and better than as many sparse networks from scratch, for as many epochs (K3)."),
        ("dense_long", "... and better than the parent trained on, its rate held, for the whole budget (K6)."),
    ):
        keys: dict[str, Any] = {"one": sse, "other": {**LARGE, "method": method}}
        yield Claim(f"s23/{method}", topic, text, where, GREATER, keys)
    topic = "Ours: sparse parents"
    for epsilon in EPSILONS:
        sparse = {**SPARSE, "method": "sse_np", "epsilon": epsilon, "parts": 2, "total": (200, 60)}
        keys = {"one": sparse, "other": sparse, "other_metric": "parent_accuracy"}
        text = f"A parent of ε = {epsilon} gains by its children, too."
        yield Claim(f"s24/parent/{epsilon}", topic, text, where, GREATER, keys)
        keys = {"one": sparse, "other": {**LARGE, "method": "sse_np"}, "delta": 1.0}
        text = f"With a parent of ε = {epsilon} the ensemble is at most a point below that of a dense parent."
        yield Claim(f"s24/dense/{epsilon}", topic, text, where, NO_WORSE, keys)
        keys = {"one": sparse, "other": {**SPARSE, "method": "fd_tse", "epsilon": epsilon}}
        text = f"... and better than FD-TSE with ε = {epsilon} at as many epochs."
        yield Claim(f"s24/fd_tse/{epsilon}", topic, text, where, GREATER, keys)


def _small() -> Iterator[Claim]:
    topic, where = "Small budget", "5.3, Table 5.1"
    in_all = "With a small budget (in print 16 epochs in all, here eight times as many, on pictures 16), "
    for number, method, words in (
        (1, "dense", "a single network"),
        (2, "dropout", "one trained with dropout"),
        (3, "bagging", "bagging"),
    ):
        text = f"{in_all}eight children of one parent are more accurate than {words}."
        yield Claim(f"s{number}/{method}", topic, text, where, GREATER, _against(SMALL, method, {}))
    text = "Partitions are at least as good as links drawn at random."
    keys = _against(SMALL, "sse_r", {}) | {"delta": 0.1}
    yield Claim("s4/partition", topic, text, where, AT_LEAST, keys)
    keys = {"lowest": "dropout", "others": ("dense", "bagging", "sse_r", "sse_np"), "runs": SMALL}
    yield Claim("s5/dropout", topic, "Dropout is the worst of all (a pattern of the table).", where, LOWEST, keys)
    keys = {"lowest": "bagging", "others": ("dense",), "runs": SMALL}
    yield Claim("s5/bagging", topic, "Bagging is behind a single network (likewise).", where, LOWEST, keys)


def _lenet() -> Iterator[Claim]:
    """Yield the claims of Table 5.1 about LeNet, by dataset: each beside the printed number of LeNet-L there."""
    where = "5.3, Table 5.1"
    for size, runs in LENETS.items():
        title = f"LeNet-{size[-1].upper()}"
        topic, in_print = f"Small budget, {title}", "LeNet-L" if title != "LeNet-L" else ""
        for dataset, (behind, ahead) in BEHIND.items():
            name = f"{title} on {dataset_title(dataset)}" + (f" (in print {in_print})" if in_print else "")
            there, printed = {**runs, "dataset": dataset}, {"setting": "lenet_l", "dataset": dataset}
            for number, method, words in ((1, "dense", "a single network"), (3, "bagging", "bagging")):
                text = f"{name}: with 16 epochs in all, eight children of one parent are more accurate than {words}."
                keys = _against(there, method, printed, in_print)
                yield Claim(f"s{number}/{size}/{dataset}/{method}", topic, text, where, GREATER, keys)
            text = f"{name}: partitions are at least as good as links drawn at random."
            keys = _against(there, "sse_r", printed, in_print) | {"delta": 0.1}
            yield Claim(f"s4/{size}/{dataset}/partition", topic, text, where, AT_LEAST, keys)
            keys = {"lowest": behind, "others": (ahead,), "runs": there, "printed": printed, "of": in_print}
            text = f"{name}: {SINGLE[behind]} is behind {SINGLE[ahead]} (a pattern of the table)."
            yield Claim(f"s5/{size}/{dataset}/bagging", topic, text, where, LOWEST, keys)
        why = {"why": "convolutional networks have no dropout here"}
        for number, text in ((2, "children are more accurate than dropout"), (5, "dropout is the worst of all")):
            yield Claim(f"s{number}/{size}/dropout", topic, f"{title}: {text}.", where, ABSENT, why)


def _against(runs: Keys, method: str, printed: Keys, of: str = "") -> dict[str, Any]:
    """Return what a rule of differences takes: children of partitions against a method, here and in Table 5.1."""
    one, other = ({"method": name} for name in ("sse_np", method))
    in_print = Printed("table5_1", {**printed, **one}, {**printed, **other}, of=of)
    return {"one": {**runs, **one}, "other": {**runs, **other}, "printed": in_print}


def _sampling() -> Iterator[Claim]:
    topic, where = "Sampling and rates", "5.3, figure 5.5"
    one_cycle, constant = ({**RATES, "rate": rate} for rate in ("one_cycle", "constant"))
    keys: dict[str, Any] = {"one": one_cycle, "other": constant, "by": ("method",)}
    text = "Children tuned with one cycle are better than at a constant rate."
    yield Claim("s6/one_cycle", topic, text, where, GREATER, keys)
    for method, rate in (("sse_r", "one_cycle"), ("sse_np", "constant"), ("sse_r", "constant")):
        keys = {"one": {**one_cycle, "method": "sse_np"}, "other": {**RATES, "method": method, "rate": rate}}
        text = f"Partitions with one cycle are better than {method_title(method)}, {rate.replace('_', ' ')}."
        yield Claim(f"s7/{method}/{rate}", topic, text, where, GREATER, keys)


def _sparsity() -> Iterator[Claim]:
    topic, where = "Sparsity and width", "5.3, figure 5.4"
    text = "Accuracy rises with sparsity up to a region, and falls beyond."
    yield Claim("s8/region", topic, text, where, REGION)
    text = "The wider the parent, the more links children may lose."
    yield Claim("s9/width", topic, text, where, WIDTH)
    links, neurons = ({**SPARSITY, "structure": name} for name in ("links", "neurons"))
    high, low = {"sparsity": (0.7, 0.8, 0.9)}, {"sparsity": (0.1, 0.2, 0.3, 0.4, 0.5)}
    by = {"by": ("sparsity", "hidden")}
    keys: dict[str, Any] = {"one": links | high, "other": neurons | high, **by}
    text = "Beyond one half, losing links is better than losing neurons."
    yield Claim("s10/beyond", topic, text, where, GREATER, keys)
    keys = {"one": links | low, "other": neurons | low, "delta": 0.3, **by}
    text = "Up to one half it makes no difference (0.3 points)."
    yield Claim("s10/half", topic, text, where, ALIKE, keys)


def _size() -> Iterator[Claim]:
    topic, where = "Number of children", "5.3, figure 5.5"
    doublings = [tuple({**SIZE, "members": count} for count in pair) for pair in zip(SIZES[1:], SIZES, strict=False)]
    text = "From 4 to 128 children, every doubling is at least as accurate."
    yield Claim("s11/rises", topic, text, where, SIGNS, {"cells": doublings, "share": 0.8, "or_equal": True})
    yield Claim("s11/spread", topic, "... and seeds spread less.", where, STEADIER)


def _large() -> Iterator[Claim]:
    topic, where = "Large budget", "5.3, Table 5.2"
    sse = {**LARGE, "method": "sse_np"}
    others = (
        ("snapshot", "snapshot ensembles"),
        ("fge", "fast geometric ensembles"),
        ("mc_dropout", "Monte Carlo dropout"),
        ("dense", "a single network"),
    )
    for method, words in others:
        keys = {
            "one": sse,
            "other": {**LARGE, "method": method},
            "alone": "accuracy_children",
            "printed": Printed("table5_2", {"method": "sse_np"}, {"method": method}),
        }
        text = f"At equal epochs, children of one parent are more accurate than {words}."
        yield Claim(f"s14/{method}", topic, text, where, GREATER, keys)
    for method, words in others:
        keys = {
            "one": sse,
            "other": {**LARGE, "method": method},
            "metric": "ece",
            "sign": -1,
            "printed": Printed("table5_2", {"method": "sse_np"}, {"method": method}, "ece"),
        }
        yield Claim(f"s15/{method}", topic, f"They are better calibrated than {words}.", where, GREATER, keys)
    keys = {"delta": 0.3, "most": 0.25}
    text = "They equal four dense networks, which train four times as long (0.3 points)."
    yield Claim("s16/dense_ensemble", topic, text, where, EQUAL_AT_LESS, keys)


def _parts() -> Iterator[Claim]:
    topic, where = "Size of parts", "5.3, Table 5.3"
    for parts, printed in OPERATIONS.items():
        text = f"Parts of 1/{parts}: training takes {printed:.2f} of the operations of 200 dense epochs."
        yield Claim(f"s17/{parts}", topic, text, where, COUNTED, {"parts": parts})
    half, third, sixth = ({**PARTS, "parts": parts} for parts in OPERATIONS)
    both: tuple[dict[str, Any], ...] = tuple({"setting": f"parts{parts}"} for parts in OPERATIONS)
    keys = {"one": third, "other": half, "delta": 0.3, "printed": Printed("table5_3", both[1], both[0])}
    text = "Thirds instead of halves cost very little (0.3 points)."
    yield Claim("s18/third", topic, text, where, NO_WORSE, keys)
    keys = {"one": half, "other": sixth, "least": 0.5, "printed": Printed("table5_3", both[0], both[2])}
    yield Claim("s18/sixth", topic, "Sixths cost much (more than 0.5 points).", where, GREATER, keys)
    sse = {**LARGE, "method": "sse_np"}
    keys = {"one": sse, "other": sse, "delta": 0.5, "metric": "child_accuracy", "other_metric": "parent_accuracy"}
    text = "After ten epochs, children are within half a point of their parent."
    yield Claim("s19/recover", topic, text, where, NO_WORSE, keys)
    text = "70 % of the epochs for the parent is a good split (within 0.2 points of the best)."
    yield Claim("s21/split", topic, text, "4.3", BEST_SPLIT, {"delta": 0.2})


def _others() -> Iterator[Claim]:
    topic = "Chapter 5, the rest"
    for name, text, where, why in (
        ("s12/mothernet", "The child of a wider parent beats the network grown from a narrower one.", "figure 5.6",
         "networks that grow are not part of this"),
        ("s20/corrupted", "On corrupted images they are no worse than the others.", "Table 5.2",
         "corrupted images are not part of the first pass"),
    ):  # fmt: skip
        yield Claim(name, topic, text, f"5.3, {where}", ABSENT, {"why": why})
    topic, child = "Half the neurons", {**EARLY, "method": "sse_neurons"}
    for name, text, method in (
        (
            "dropout",
            "A child with half its parent's neurons beats dropout of half of them after 20 epochs ...",
            "dropout",
        ),
        ("fresh", "... and the same links with fresh values (K2).", "sse_neurons_fresh"),
    ):
        keys: dict[str, Any] = {"one": child, "other": {**EARLY, "method": method}}
        yield Claim(f"s13/{name}", topic, text, "5.3, figure 5.6", GREATER, keys)
    tuned: dict[str, Any] = {"method": "sse_np", "network": "tuned"}
    for name, text, other in (
        ("flat", "Tuned children sit in flatter regions than their parent ...", {"network": "parent"}),
        ("tuned", "... than they did before they were tuned ...", {"network": "pruned"}),
        ("unpruned", "... and than children that lost no link (K1).", {"method": "sse_unpruned"}),
    ):
        keys = {"one": tuned | other, "other": tuned, "metric": "rise"}
        keys |= {"by": ("norm",), "frame": LANDSCAPE}
        yield Claim(f"s22/{name}", "Flat regions", text, "5.3, figure 5.7", GREATER, keys)


def _at_least(evidence: Evidence, one: Keys, other: Keys, delta: float, printed: Printed) -> Finding:
    values, gap = pairs(evidence, one, other), printed.gap(evidence)
    found = judged(values, "accuracy", 0.0, np.inf, named(formats.difference(gap, 2), printed.of), gap)
    no_worse = judged(values, "accuracy", -delta, np.inf)
    if found.verdict != CONFIRMED and no_worse.verdict == CONFIRMED:
        return replace(found, verdict=EXPLAINED, why=f"{found.why}; no worse by more than {delta:g}")
    return found


AT_LEAST = Rule(
    "at least",
    "As rule greater. Different but explained: the interval holds zero, but is above minus 0.1 points: no worse.",
    _at_least,
)


def _lowest(
    evidence: Evidence, lowest: str, others: Sequence[str], runs: Keys, printed: Keys | None = None, of: str = ""
) -> Finding:
    known = below = 0
    rows = picked(evidence.rows(RUNS), runs)
    for _, own in rows[rows["accuracy"].notna()].groupby("dataset", sort=False):
        means = own.groupby("method")["accuracy"].mean()
        if {lowest, *others} <= set(means.index):
            known, below = known + 1, below + bool(means[lowest] < means[list(others)].min())
    if not known:
        raise Missing("no dataset has finished runs of all of them")
    table = evidence.rows(PRINTED, table="whitaker_table5_1", **(printed or {}))
    wide = table.pivot_table("published", ["dataset", "setting"], "method")
    in_print = int((wide[lowest] < wide[list(others)].min(axis=1)).sum())
    share = in_print / len(wide)
    holds = below >= share * known
    words = named(f"{in_print} of {len(wide)}", of)
    return Finding(f"{below} of {known}", words, verdict(holds), "datasets", below / known, share)


LOWEST = Rule(
    "lowest",
    "Datasets on which a method's mean accuracy is the lowest of some. Confirmed: on at least the printed share.",
    _lowest,
)


def _curves(evidence: Evidence) -> pd.DataFrame:
    """Return accuracy and validation accuracy by dataset, width, seed and sparsity, of children that lose links."""
    rows = picked(evidence.rows(RUNS), {**SPARSITY, "structure": "links"})
    rows = rows[rows["accuracy"].notna() & rows["validation"].notna()]
    if rows.empty:
        raise Missing("no finished run that has validation rows")
    return rows


def _region(evidence: Evidence) -> Finding:
    """Compare the sparsity that is best on validation with the lowest and the highest one."""
    ends: dict[str, dict[str, list[Numbers]]] = {"lowest": {}, "highest": {}}
    for (dataset, _), own in _curves(evidence).groupby(["dataset", "hidden"], sort=False):
        wide = own.pivot_table("accuracy", "seed", "sparsity").dropna()
        if len(wide) and wide.shape[1] > 2:
            best = own.groupby("sparsity")["validation"].mean().idxmax()
            for name, end in (("lowest", wide.columns[0]), ("highest", wide.columns[-1])):
                # Of widths, the mean: the interval is over seeds.
                ends[name].setdefault(str(dataset), []).append((wide[best] - wide[end]).to_numpy())
    if not ends["lowest"]:
        raise Missing("no dataset has three sparsities")
    found = {
        name: over_groups({dataset: np.mean(_equal(parts), axis=0) for dataset, parts in of.items()})
        for name, of in ends.items()
    }
    ours = "; ".join(f"{name} {shown_interval(part, 'accuracy')}" for name, part in found.items())
    lows = [part.low for part in found.values()]
    value = min(part.mean for part in found.values())
    why = "the best by validation less the lowest and the highest sparsity"
    if None in lows:
        return Finding(ours, formats.NOTHING, NOT_TESTED, f"{why}; {FEW_SEEDS}", value)
    return Finding(ours, formats.NOTHING, verdict(all(low is not None and low > 0 for low in lows)), why, value)


def _equal(parts: list[Numbers]) -> list[Numbers]:
    """Return arrays cut to the shortest, so that the same seeds are averaged."""
    shortest = min(map(len, parts))
    return [part[:shortest] for part in parts]


REGION = Rule(
    "region",
    "Accuracy at the sparsity that is best by the children's validation accuracy, less that at the lowest and at the "
    "highest one; means over widths and datasets with intervals as in rule greater. Confirmed: both lie above zero.",
    _region,
)


def _width(evidence: Evidence) -> Finding:
    series: dict[str, dict[float, list[float]]] = {}
    for dataset, own in _curves(evidence).groupby("dataset", sort=False):
        best = own.loc[own.groupby(["hidden", "seed"])["validation"].idxmax()]
        wide = best.assign(width=best["hidden"].str.split("-").str[0].astype(float))
        wide = wide.pivot_table("sparsity", "seed", "width").dropna()
        if len(wide) and wide.shape[1] > 2:
            series[str(dataset)] = {float(str(width)): wide[width].tolist() for width in wide}
    if not series:
        raise Missing("no dataset has three widths")
    return judged_trend(rising(series))


WIDTH = Rule(
    "width",
    "As rule trend, of the sparsity that is best by validation for every seed and the width of the parent.",
    _width,
)


def _steadier(evidence: Evidence) -> Finding:
    points = [(float(count), {**SIZE, "members": count}) for count in SIZES]
    there = [point for point in points if _has(evidence, point[1])]
    if len(there) < 3:
        raise Missing("fewer than three numbers of children have finished runs")
    series = {name: of for name, of in curves(evidence, there).items() if len(next(iter(of.values()))) > 3}
    if not series:
        raise Missing("spreads of drawn seeds need four of them")
    found = trend(series, curve=lambda values: -values.std(axis=-2, ddof=1))
    return judged_trend(found, more=f", {len(there)} numbers of children")


def _has(evidence: Evidence, keys: Keys) -> bool:
    try:
        return bool(picked(evidence.rows(RUNS), keys)["accuracy"].notna().any())
    except Missing:
        return False


STEADIER = Rule(
    "steadier",
    "As rule trend, of minus the standard deviation over seeds and the number of children.",
    _steadier,
)


def _equal_at_less(evidence: Evidence, delta: float, most: float) -> Finding:
    sse, dense = ({**LARGE, "method": name} for name in ("sse_np", "dense_ensemble"))
    printed = Printed("table5_2", {"method": "sse_np"}, {"method": "dense_ensemble"}).gap(evidence)
    shown = formats.difference(printed, 2)
    found = judged(pairs(evidence, sse, dense), "accuracy", -delta, np.inf, shown, printed)
    ratio = operations(evidence, sse, dense)
    why = f"{found.why}; {formats.ratio(ratio)} of the operations"
    if found.verdict != NOT_TESTED:
        return replace(found, verdict=verdict(found.verdict == CONFIRMED and ratio <= most), why=why)
    return replace(found, why=why)


EQUAL_AT_LESS = Rule(
    "equal at less",
    "As rule no worse. Confirmed: the interval lies above minus 0.3 points, and operations are a quarter or less.",
    _equal_at_less,
)


def _counted(evidence: Evidence, parts: int) -> Finding:
    children, dense = {**PARTS, "parts": parts}, {**LARGE, "method": "dense"}
    ours, seconds = (operations(evidence, children, dense, metric) for metric in ("operations", "seconds"))
    return exact(ours, OPERATIONS[parts], 0.01, why=f"mean over datasets; {formats.ratio(seconds)} of the time")


COUNTED = Rule(
    "counted",
    "Operations of training, counted from the links that are there, over those of one dense network; the mean over "
    "datasets. Confirmed: within 1 % of the printed ratio, which leaves out that the output block is not pruned.",
    _counted,
)


def _best_split(evidence: Evidence, delta: float) -> Finding:
    rows = picked(evidence.rows(RUNS), SPLIT)
    rows = rows[rows["accuracy"].notna()]
    wide = rows.pivot_table("accuracy", ["dataset", "seed"], "epochs").dropna()
    if wide.empty or CHOSEN_SPLIT not in wide or wide.shape[1] < 2:
        raise Missing("no seed has finished runs of several splits")
    best = int(str(wide.groupby(level="dataset").mean().mean().idxmax()))
    share = f"best with {100 * best / rows['total'].max():.0f} % for the parent"
    if best == CHOSEN_SPLIT:
        return Finding("0.00", formats.NOTHING, CONFIRMED, share, 0.0)
    gaps = wide[CHOSEN_SPLIT] - wide[best]
    found = judged({str(name): part.to_numpy() for name, part in gaps.groupby(level="dataset")}, "accuracy", -delta)
    return replace(found, why=f"{share}; {found.why}")


BEST_SPLIT = Rule(
    "best split",
    "Accuracy with 70 % of all epochs for the parent less that of the best split by the mean over datasets. Confirmed: "
    "it is the best, or the interval lies above minus 0.2 points.",
    _best_split,
)
RULES = (AT_LEAST, LOWEST, REGION, WIDTH, STEADIER, EQUAL_AT_LESS, COUNTED, BEST_SPLIT)
