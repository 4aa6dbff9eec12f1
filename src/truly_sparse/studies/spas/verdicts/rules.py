"""The rules by which claims about perceptrons are judged, and some that serve convolutional networks as well.

The former were written before any run of the study existed, what the latter take before any was looked at.
"""

import math
import operator
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.judging import ALPHA, CONFIRMED, EXPLAINED, NOT_CONFIRMED, Finding, Rule, partial, verdict
from truly_sparse.analysis.rounding import less
from truly_sparse.analysis.statistics.stratified import FEW_FOR_TEST
from truly_sparse.analysis.statistics.stratified import FEWEST as LEAST_FREEDOM
from truly_sparse.studies.spas.runs import DENSE, EVOLVING, MLP, SPAS, STATIC
from truly_sparse.studies.spas.tables.table5 import FEWEST
from truly_sparse.studies.spas.verdicts.cells import (
    COMPRESSIONS,
    SPARSE,
    Keys,
    above,
    best,
    cell,
    compared,
    p_text,
    points,
    spans,
    untested,
)

#: IQM, in percent, of a plain network that has clearly learned where print has it random: at these compressions.
LEARNED = {"cifar10": 40.0, "cifar100": 10.0, "higgs": 60.0}
COLLAPSED = (12.5, 25)
TABULAR, PICTURES = "tabular", ("cifar10", "cifar100")


def _random(
    evidence: Evidence,
    table: str,
    metric: str,
    random: Sequence[Keys],
    learned: Sequence[Keys],
    dataset: str = "",
    compressions: Sequence[float] = COLLAPSED,
) -> Finding:
    cells = [(cell(evidence, table, keys, metric), True) for keys in random]
    cells += [(cell(evidence, table, keys, metric), False) for keys in learned]
    as_printed = sum(bool(row["random"]) == wanted for row, wanted in cells)
    holds = as_printed == len(cells)
    word, why = _explained(evidence, holds, dataset, compressions) if dataset else (verdict(holds), "")
    first = cells[0][0]
    if len(cells) == 1:
        ours, printed = (f"{first[name]:.2f} %" for name in ("value", "published"))
        return Finding(ours, printed, word, partial(first).strip(" ()"), float(first["value"]), first["published"])
    other = [f"{row['setting']} {row['mode']} {row['value']:.1f} %" for row, wanted in cells if row["random"] != wanted]
    reasons = (why, f"otherwise: {', '.join(other)}" if other else "", partial(first).strip(" ()"))
    return Finding(
        f"{as_printed} cells",
        f"{len(cells)} cells",
        word,
        "; ".join(filter(None, reasons)),
        as_printed,
        len(cells),
    )


def _explained(
    evidence: Evidence, holds: bool, dataset: str, compressions: Sequence[float] = COLLAPSED
) -> tuple[str, str]:
    """Return the verdict on a collapse that is as printed, and why, if another protocol does without it."""
    if not holds:
        return verdict(False), ""
    try:
        found = _artefact(evidence, dataset, compressions)
    except Missing:
        return CONFIRMED, ""
    if found.verdict != CONFIRMED:
        return CONFIRMED, ""
    return EXPLAINED, f"as printed by the source's protocol, but not by another ({found.ours}): {found.why}"


def _artefact(evidence: Evidence, dataset: str, compressions: Sequence[float] = COLLAPSED) -> Finding:
    rows = evidence.rows("start", metric="iqm")
    rows = rows[rows["compression"].isin(compressions) & rows["value"].notna()]
    rows = rows[(rows["init"] == "torch_links") | (rows["l1"] == 0)]
    rows = rows[~rows["dataset"].isin(PICTURES)] if dataset == TABULAR else rows[rows["dataset"] == dataset]
    if rows.empty:
        raise Missing("no plain network has been trained with another start or without L1")
    best_of = rows.sort_values("value", ascending=False, kind="stable").drop_duplicates("dataset")
    if dataset == TABULAR:
        learned = int((~best_of["random"].astype(bool)).sum())
        words = f"learned {learned} of {len(best_of)}"
        why = "datasets on which the best network with another start or without L1 is not random"
        return Finding(words, formats.NOTHING, verdict(learned >= 0.75 * len(best_of)), why, learned / len(best_of))
    row = best_of.iloc[0]
    value = float(row["value"])
    start = "a start by real fan-in" if row["init"] == "torch_links" else "the source's start"
    why = f"{start}, L1 {row['l1']:g}, patience {row['patience']:g}, compression {row['compression']:g}"
    return Finding(f"{value:.1f} %", formats.NOTHING, verdict(value > LEARNED[dataset]), why, value)


ARTEFACT = Rule(
    "artefact",
    "IQM of plain networks at compression 12.5 or 25, where print has them random, that start by their real fan-in or "
    f"train without L1; the best. Confirmed: it is above {LEARNED['cifar10']:g} % on CIFAR-10, "
    f"{LEARNED['cifar100']:g} % on CIFAR-100, {LEARNED['higgs']:g} % on HIGGS; over the tabular datasets, on three "
    "quarters of them it is not random.",
    _artefact,
)
RANDOM = Rule(
    "random",
    "Cells that are printed as no better than random, or as better. Random: an IQM below 15 % on CIFAR-10, 2 % on "
    "CIFAR-100, one point above the larger class on HIGGS. Confirmed: all cells are as printed. Different but "
    "explained: they are, but the claim is one about sparsity, and with another start or without L1 the same sparse "
    "networks learn (rule artefact), with no more links than the claim names.",
    _random,
)


def _learns(evidence: Evidence, keys: Keys, least: float) -> Finding:
    row = cell(evidence, "table3", keys)
    ours, printed = float(row["value"]), float(row["published"])
    return Finding(f"{ours:.2f} %", f"{printed:.2f} %", verdict(ours > least), f"more than {least:g} %", ours, printed)


LEARNS = Rule("learns", "IQM of one cell. Confirmed: it is above the accuracy named in the explanation.", _learns)


def _reach(evidence: Evidence, table: str, dataset: str, model: str, printed: float) -> Finding:
    values = _by_compression(evidence, table, dataset, model)
    dense = _value(evidence, table, {"dataset": dataset, "model": MLP, "compression": 1})
    reached = [compression for compression, value in values.items() if value >= dense - 2]
    ours = max(reached, default=1)
    holds = ours >= printed if model == SPAS else ours <= printed
    word, why = _explained(evidence, holds, dataset) if model == MLP else (verdict(holds), "")
    return Finding(f"{ours:g}", f"{printed:g}", word, why, ours, printed)


def _by_compression(evidence: Evidence, table: str, dataset: str, model: str) -> dict[float, float]:
    """Return the better of both ways of training at every compression."""
    keys = {"dataset": dataset, "model": model}
    return {
        compression: max(_value(evidence, table, {**keys, "compression": compression, "mode": mode}) for mode in SPARSE)
        for compression in COMPRESSIONS
    }


def _value(evidence: Evidence, table: str, keys: Keys) -> float:
    if table == "table3":
        return float(cell(evidence, table, keys)["value"])
    own = {name: value for name, value in keys.items() if name != "dataset"}
    return float(evidence.cell(table, **own)["value"])


REACH = Rule(
    "reach",
    "Largest compression at which the model, trained either way, has an IQM of no less than the dense plain network's "
    "less two points. Confirmed: with shortcuts it is at least the printed one, without at most. Different but "
    "explained: as under the rule random.",
    _reach,
)


def _lead(
    evidence: Evidence, dataset: str, sign: int, least: float, most: float = np.inf, method: str = MLP
) -> Finding:
    row = evidence.cell("table5", dataset=dataset, method=method, metric="delta_iqm")
    ours, printed = float(row["value"]), float(row["published"])
    settings = f"{row['best_spas']} and {row['best_mlp']}{partial(row)}"
    if pd.isna(row["p"]):
        few = "one seed, which shows no spread" if row["seeds"] < 2 else FEW_FOR_TEST
        return untested(ours, printed, f"{few}; {settings}")
    p = above(float(row["p"]), sign * ours)
    why = f"{p_text(p)}; {settings}"
    holds = least <= sign * ours <= most and p < ALPHA
    return Finding(points(ours), points(printed), verdict(holds), why, ours, printed)


LEAD = Rule(
    "lead",
    "IQM of the model with shortcuts in its best setting less that of another in its own (Table 5). Confirmed: "
    'it has the printed sign, at least half of the printed size, at most twice that where the claim says "about", and '
    f"Welch's test over the seeds of both settings has one-sided p < {ALPHA}. The settings were chosen by the same "
    f"seeds. Not tested: one seed, or fewer than {LEAST_FREEDOM} degrees of freedom.",
    _lead,
)


def _close(evidence: Evidence, dataset: str, most: float) -> Finding:
    row = evidence.cell("table5", dataset=dataset, method=MLP, metric="delta_iqm")
    ours, printed = float(row["value"]), float(row["published"])
    why = f"{row['best_spas']} and {row['best_mlp']}{partial(row)}"
    return Finding(points(ours), points(printed), verdict(abs(ours) <= most), why, ours, printed)


CLOSE = Rule("close", "The same difference. Confirmed: it is no more than 1.2 points either way.", _close)


def _difference(
    evidence: Evidence,
    one: Keys,
    other: Keys,
    sign: int,
    least: float,
    most: float = np.inf,
    table: str = "table3",
) -> Finding:
    return compared(cell(evidence, table, one), cell(evidence, table, other), sign, least, most)


DIFFERENCE = Rule(
    "difference",
    "IQM of one cell of Table 3 or 4 less that of another. Confirmed: it has the printed sign, at least half of the "
    f'printed size, at most twice that where the claim says "about", and Welch\'s test over seeds has one-sided p < '
    f"{ALPHA}. Not tested: one seed, or fewer than {LEAST_FREEDOM} degrees of freedom.",
    _difference,
)


def _above_dense(evidence: Evidence, dataset: str, model: str, least: float) -> Finding:
    dense = cell(evidence, "table3", {"dataset": dataset, "model": MLP, "mode": DENSE})
    return compared(best(evidence, dataset, model), dense, 1, least)


ABOVE_DENSE = Rule(
    "above dense",
    "IQM of a sparse model in its best setting less that of the dense plain network. Confirmed: it is at least 1.2 "
    f"points, and Welch's test over seeds has one-sided p < {ALPHA}. Not tested: one seed, or fewer than "
    f"{LEAST_FREEDOM} degrees of freedom.",
    _above_dense,
)


def _grows(evidence: Evidence, dataset: str, table: str = "table3", model: str = SPAS) -> Finding:
    gains: dict[str, list[float]] = {"value": [], "published": []}
    for compression in COMPRESSIONS:
        keys = {"dataset": dataset, "model": model, "compression": compression}
        one, other = (cell(evidence, table, {**keys, "mode": mode}) for mode in (EVOLVING, STATIC))
        for name, found in gains.items():
            found.append(less(one[name], other[name]))
    ours, printed = (float(spearmanr(COMPRESSIONS, found).statistic) for found in gains.values())
    why = f"from {points(gains['value'][0])} to {points(gains['value'][-1])} points"
    return Finding(f"ρ = {ours:.2f}", f"ρ = {printed:.2f}", verdict(ours >= 0.8), why, ours, printed)


GROWS = Rule(
    "grows",
    "Spearman's correlation, over five compressions, of compression and what evolving adds to the IQM. Confirmed: it "
    "is at least 0.8.",
    _grows,
)


def _ratio(evidence: Evidence, density: float, falls: bool) -> Finding:
    found = []
    for mode in SPARSE:
        runs = evidence.rows("figure6", mode=mode, density=density, kind="run")
        if runs["ratio"].nunique() < 3:
            raise Missing("fewer than three values of R have finished")
        found.append(spearmanr(runs["ratio"].astype(float), runs["value"].astype(float)))
    holds = all((test.statistic < 0) == falls and test.pvalue < ALPHA for test in found)
    ours = ", ".join(f"{test.statistic:+.2f}" for test in found).replace("-", "−")
    why = f"static, evolving; p = {', '.join(formats.p_value(float(test.pvalue)) for test in found)}"
    return Finding(ours, "falls" if falls else "rises", verdict(holds), why)


RATIO = Rule(
    "ratio",
    "Spearman's correlation, over R and seeds, of R and accuracy at one density, for both ways of training. Confirmed: "
    f"both have the printed direction with p < {ALPHA} (two-sided).",
    _ratio,
)


def _range(evidence: Evidence, density: float, printed: float) -> Finding:
    found = [
        spans(evidence.rows("figure6", mode=mode, density=density, kind="mean")["value"].astype(float))
        for mode in SPARSE
    ]
    ours = max(found)
    why = f"static {found[0]:.1f}, evolving {found[1]:.1f} points"
    return Finding(f"{ours:.1f}", f"about {printed:g}", verdict(_about(ours, printed)), why, ours, printed)


def _about(ours: float, printed: float) -> bool:
    """Say whether a number is about a printed one: from half of it to twice."""
    return printed / 2 <= ours <= 2 * printed


RANGE = Rule(
    "range",
    "Largest less smallest mean accuracy over R at one density, the larger of both ways of training. Confirmed: from "
    "half of the printed to twice that.",
    _range,
)


def _stable(evidence: Evidence, least: float) -> Finding:
    rows = evidence.rows("table5", method=MLP)
    wide = {name: rows.pivot_table(name, "dataset", "metric") for name in ("value", "published")}
    shares = []
    for found in wide.values():
        whole = found.reindex(columns=["delta_iqm", "delta_max"]).dropna()
        if len(whole) < 4:
            raise Missing("fewer than four datasets have both differences")
        shares.append((int((whole["delta_iqm"] > whole["delta_max"]).sum()), len(whole)))
    (ours, of), (printed, of_printed) = shares
    return Finding(
        f"{ours} of {of}",
        f"{printed} of {of_printed}",
        verdict(ours / of >= least),
        "",
        ours / of,
        printed / of_printed,
    )


STABLE = Rule(
    "stable",
    "Datasets on which shortcuts add more to the IQM than to the best run (Table 5). Confirmed: at least three "
    "quarters, as in print, where it is taken for stability.",
    _stable,
)


def _spread(evidence: Evidence) -> Finding:
    rows = evidence.rows("table5", metric="delta_std", method=MLP)
    rows = rows[rows["value"].notna()]
    if len(rows) < 4:
        raise Missing("fewer than four datasets have more than one seed")
    tested = int(rows["p"].notna().sum())
    if not tested:
        raise Missing(f"no dataset has the {FEWEST} seeds of both that a test of spreads needs")
    smaller, clear = rows["value"].astype(float) < 0, rows["p"].astype(float) < ALPHA
    holds = smaller.mean() >= 0.75 and (smaller & clear).any() and not (~smaller & clear).any()
    why = f"clearly smaller on {int((smaller & clear).sum())}, clearly larger on {int((~smaller & clear).sum())}"
    why += f", of the {tested} with {FEWEST} seeds of both"
    ours = f"{int(smaller.sum())} of {len(rows)}"
    return Finding(ours, formats.NOTHING, verdict(bool(holds)), why, float(smaller.mean()))


SPREAD = Rule(
    "spread",
    "Datasets on which the accuracies of seeds spread less with shortcuts than without, both in their best setting. "
    "Confirmed: at least three quarters, clearly so (Levene's test about the medians, p < "
    f"{ALPHA}, from {FEWEST} seeds of both on) on one or more, and on none clearly the other way.",
    _spread,
)


def _evolving(evidence: Evidence, compression: float, printed: float) -> Finding:
    one, other = (
        evidence.cell("figure4", model=SPAS, mode=mode, compression=compression) for mode in (EVOLVING, STATIC)
    )
    ours = less(one["value"], other["value"])
    why = f"mean over {one['datasets']} of {one['of']} datasets"
    holds = _about(ours, printed)
    return Finding(points(ours), f"about {formats.difference(printed, 0)}", verdict(holds), why, ours, printed)


EVOLVING_GAIN = Rule(
    "evolving",
    "What evolving adds to the mean IQM over the tabular datasets with shortcuts. Confirmed: at least half of the "
    "printed.",
    _evolving,
)


#: Numbers of a network that are counted, and what a bias takes: value and both moments of Adam, in float32.
_COUNTED, _BYTES_OF_BIAS = ("links", "biases", "sequential_places", "shortcut_places"), 12


def _linear(evidence: Evidence, least: float) -> Finding:
    rows = evidence.rows("depth")
    fits = rows[rows["metric"].isin(["r2_seconds", "r2_bytes"])]
    if fits.empty:
        raise Missing("fewer than three depths have been measured")
    ours = float(fits["value"].min())
    why = "; ".join(f"{row['metric'][3:]} {row['setting']}: {row['value']:.4f}" for row in fits.to_dict("records"))
    return Finding(f"{ours:.4f}", formats.NOTHING, verdict(ours > least), why, ours)


LINEAR = Rule(
    "linear",
    "Part of the variance, over depths at one compression, of the time of a step and of the memory that a straight "
    "line through the links explains; the least. Confirmed: above 0.95.",
    _linear,
)


def _exponential(evidence: Evidence) -> Finding:
    rows = evidence.rows("depth")
    rows = rows[rows["metric"].isin(["sequential_places", "shortcut_places"])]
    places = rows.drop_duplicates(["hidden_layers", "metric"]).groupby("hidden_layers")["value"].sum().astype(float)
    if len(places) < 3:
        raise Missing("fewer than three depths have been measured")
    depth, grown = places.index.to_numpy(float), np.log(places.to_numpy())
    power, exponential = (np.polyfit(x, grown, 1, full=True) for x in (np.log(depth), depth))
    holds = float(exponential[1][0]) < float(power[1][0])
    ours = float(power[0][0])
    why = f"from {depth[0]:g} to {depth[-1]:g} hidden layers; a power fits {'worse' if holds else 'better'}"
    return Finding(f"power {ours:.2f}", "exponential", verdict(holds), why, ours)


EXPONENTIAL = Rule(
    "exponential",
    "Places for links, which masks hold, by the number of hidden layers. Confirmed: an exponential fits their "
    "logarithms better than a power of the depth does (least squares).",
    _exponential,
)


def _power(evidence: Evidence, metric: str, most: float) -> Finding:
    rows = evidence.rows("depth")
    wide = rows[rows["metric"].isin([metric, *_COUNTED])].pivot_table("value", ["setting", "hidden_layers"], "metric")
    if metric not in wide or (wide.groupby("setting").size() < 3).any():
        raise Missing("fewer than three depths have been measured")
    wide["masks"] = wide["sequential_places"] + wide["shortcut_places"]
    ours, masks = (_power_of_links(wide, wide[name]) for name in (metric, "masks"))
    why, found = f"places that masks hold: {masks:.2f}", verdict(ours <= most)
    if metric == "bytes" and found == NOT_CONFIRMED:
        rest = _power_of_links(wide, wide["bytes"] - _BYTES_OF_BIAS * wide["biases"])
        why += f"; without biases, of which a neuron has one for each block that leads to it: {rest:.2f}"
        found = EXPLAINED if rest <= most else found
    return Finding(f"power {ours:.2f}", formats.NOTHING, found, why, ours)


def _power_of_links(wide: pd.DataFrame, values: "pd.Series[float]") -> float:
    """Return the greatest power of the links, over compressions, with which a number grows (least squares of logs)."""
    powers = []
    for _, own in wide.assign(value=values).groupby("setting"):
        links, grown = ([math.log(number) for number in own[name]] for name in ("links", "value"))
        centre = math.fsum(links) / len(links)
        away = [one - centre for one in links]
        powers.append(math.fsum(map(operator.mul, away, grown)) / math.fsum(map(operator.mul, away, away)))
    return round(max(powers), 6)


POWER = Rule(
    "power of the links",
    "Power with which a number grows with the links, over depths at one compression; the greatest. Confirmed: at most "
    "1.1, where 1 is in proportion and what masks hold grows with nearly the square. Different but explained: more, "
    "but not once the biases are left out, of which a network with shortcuts has a vector for each block.",
    _power,
)


RULES: tuple[Rule, ...] = (
    RANDOM, ARTEFACT, LEARNS, REACH, LEAD, CLOSE, DIFFERENCE, ABOVE_DENSE, GROWS, EVOLVING_GAIN, RATIO, RANGE, STABLE,
    SPREAD, LINEAR, EXPONENTIAL, POWER,
)  # fmt: skip
