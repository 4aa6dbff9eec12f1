"""What `tabular.py` measured: tabular.md, answers first, and tabular.png, accuracy against what it costs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, geometric_mean

import columns
import goals
import matplotlib.pyplot as plt
from defaults_tables import TABULAR, judged, paired
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator
from matplotlib.transforms import Bbox
from splits import HELD_OUT, HONEST, HONEST_SPLITS, RANDOM
from tabular_models import BOOSTING, MODELS, OURS, OWN, TRIALS, TUNED

from truly_sparse.analysis.style import SERIES, style
from truly_sparse.files import atomic_path, write_text

Row = dict[str, str]
#: Cost and accuracy.
Point = tuple[float, float]
#: The two of the 14 sets whose random split gives labels away (`leaks.py`): shown, and in no mean of that protocol.
LEAKY = tuple(name for name in TABULAR if name in HONEST_SPLITS)
SOUND = tuple(name for name in TABULAR if name not in LEAKY)
#: Sets that a mean is over, by protocol.
MEANS = {RANDOM: SOUND, HONEST: TABULAR}
TITLES = {
    RANDOM: f"Random splits, {len(SOUND)} sets ({' and '.join(LEAKY)} aside)",
    HONEST: f"Honest protocol, {len(TABULAR)} sets",
}
ALONE = ("gesture", "higgs")
#: Seeds of every case that the plan has.
SEEDS = 5
NUMBERS = ("accuracy", "roc_auc", "log_loss", "calibration", "search_seconds", "seconds", "microseconds")


def of_protocol(rows: Iterable[Row], protocol: str) -> list[Row]:
    """Return the lines of a protocol; where the honest one splits a set no other way, those of the random one.

    `seconds` become those of the search and of the fit together.
    """
    chosen = []
    for row in rows:
        own = HONEST if protocol == HONEST and row["dataset"] in HONEST_SPLITS else RANDOM
        if row["protocol"] == own and not row["error"]:
            whole = float(row["seconds"]) + float(row["search_seconds"])
            chosen.append({**row, "fit_seconds": row["seconds"], "seconds": str(whole)})
    return chosen


def means(rows: Iterable[Row], number: str) -> dict[tuple[str, str], float]:
    """Return the mean over seeds of a number, by model and dataset."""
    found = defaultdict(list)
    for row in rows:
        if row[number]:
            found[row["what"], row["dataset"]].append(float(row[number]))
    return {key: fmean(values) for key, values in found.items()}


def complete(rows: Sequence[Row], names: Sequence[str]) -> list[str]:
    """Return the models that were fitted to all of these sets, in the order of `MODELS`."""
    known = {(row["what"], row["dataset"]) for row in rows}
    return [what for what in MODELS if all((what, name) in known for name in names)]


def summary(rows: Sequence[Row], names: Sequence[str]) -> str:
    """Return every model's means over sets, the most accurate first; of times the geometric mean."""
    found = {number: means(rows, number) for number in (*NUMBERS, "fit_seconds")}
    lines = []
    for what in complete(rows, names):
        mean = {n: fmean(found[n][what, name] for name in names) for n in NUMBERS[:4]}
        times = {n: [found[n][what, name] for name in names] for n in ("search_seconds", "fit_seconds", "microseconds")}
        cost = [f"{geometric_mean(values):.{digits}f}" if min(values) > 0 else "0"
                for values, digits in zip(times.values(), (0, 2, 1), strict=True)]  # fmt: skip
        scores = [f"{mean['accuracy']:.2f}", f"{mean['roc_auc']:.2f}", f"{mean['log_loss']:.4f}"]
        lines.append((mean["accuracy"], [what, *scores, f"{mean['calibration']:.2f}", *cost, seeds(rows, what, names)]))
    head = ["model", "accuracy, %", "ROC AUC, %", "log loss, nats", "calibration error, %", "search, s", "fit, s",
            "a row, µs", "seeds"]  # fmt: skip
    return columns.markdown(head, [line for _, line in sorted(lines, key=lambda pair: pair[0], reverse=True)])


def seeds(rows: Iterable[Row], what: str, names: Sequence[str]) -> str:
    """Return how many seeds a model was fitted with, "1 to 5" where sets differ."""
    count = defaultdict(int)
    for row in rows:
        count[row["dataset"]] += row["what"] == what and row["dataset"] in names
    least, most = min(count[name] for name in names), max(count[name] for name in names)
    return str(most) if least == most else f"{least} to {most}"


def duel(rows: Sequence[Row], one: str, other: str, names: Sequence[str]) -> list[str] | None:
    """Return points by which a model is ahead, the 95 % interval, sets won and lost, the worst set, ratio of times."""
    gains = paired(rows, one, other, names)
    if not gains:
        return None
    by_set = {name: fmean(gain for gain, _ in pairs) for name, pairs in gains.items()}
    worst = min(by_set, key=lambda name: by_set[name])
    found = judged(gains)
    won, lost = (sum(sign * gain > 0 for gain in by_set.values()) for sign in (1, -1))
    less = [f"{100 * _mean(rows, one, other, names, 'log_loss'):+.2f}"]
    less.append(f"{_mean(rows, one, other, names, 'calibration'):+.2f}")
    against = [f"{found.mean:+.2f}", found.interval, f"{won} : {lost}", f"{worst} {by_set[worst]:+.2f}", *less]
    return [*against, f"{found.cost:.2f}x", str(found.sets), str(found.seeds)]


def _mean(rows: Sequence[Row], one: str, other: str, names: Sequence[str], number: str) -> float:
    return judged(paired(rows, one, other, names, number)).mean


def duels(rows: Sequence[Row], one: str, names: Sequence[str]) -> str:
    """Return the table of one of ours against every other model that was measured on some of the sets."""
    head = ["against", "points", "95 %", "sets won : lost", "worst set", "log loss, 1/100 nat",
            "calibration error, points", "CPU seconds, search and fit", "sets", "seeds"]  # fmt: skip
    found = {other: duel(rows, one, other, names) for other in MODELS if other != one}
    return columns.markdown(head, [[other, *cells] for other, cells in found.items() if cells])


def set_by_set(rows: Sequence[Row], names: Sequence[str], parts: Mapping[str, str]) -> str:
    """Return the mean accuracy over seeds of every model on every set."""
    accuracy = means(rows, "accuracy")
    shown = [what for what in MODELS if any((what, name) in accuracy for name in names)]
    lines = []
    for name in names:
        known = {what: accuracy[what, name] for what in shown if (what, name) in accuracy}
        most = max(known.values(), default=0.0)
        cells = [_cell(known.get(what), most) for what in shown]
        lines.append([name + (f" ({parts[name]})" if name in parts else ""), *cells])
    return columns.markdown(["set", *shown], lines)


def by_protocol(rows: Sequence[Row]) -> str:
    """Return the accuracy of every model on the sets that the honest protocol splits in a way of its own, by both."""
    found = {protocol: means(of_protocol(rows, protocol), "accuracy") for protocol in MEANS}
    first = HONEST_SPLITS[0]
    known = [what for what in MODELS if (what, first) in found[RANDOM]]
    lines = []
    for what in sorted(known, key=lambda what: -found[RANDOM][what, first]):
        values = [found[protocol].get((what, name)) for name in HONEST_SPLITS for protocol in MEANS]
        lines.append([what, *("–" if value is None else f"{value:.2f}" for value in values)])
    head = [f"{name}, {way}" for name in HONEST_SPLITS for way in ("random", HELD_OUT[name])]
    return columns.markdown(["model", *head], lines)


def _cell(value: float | None, most: float) -> str:
    if value is None:
        return "–"
    return f"**{value:.2f}**" if value == most else f"{value:.2f}"


def ranges() -> str:
    """Return what the searches draw from."""
    lines = [
        [name, ", ".join(f"{key} {low:g} to {high:g} ({how})" for key, (low, high, how) in kind.ranges.items())]
        for name, kind in BOOSTING.items()
    ]
    return columns.markdown(["model", "ranges"], lines)


def not_run(rows: Sequence[Row]) -> str:
    """Return which fits of the plan there are no lines of, model by model."""
    said = []
    plan = [(RANDOM, name) for name in (*TABULAR, *ALONE)] + [(HONEST, name) for name in HONEST_SPLITS]
    for what in MODELS:
        count = defaultdict(int)
        for row in rows:
            count[row["protocol"], row["dataset"]] += row["what"] == what
        left = {case: SEEDS - count[case] for case in plan if count[case] < SEEDS}
        if len(left) == len(plan) and all(number == SEEDS for number in left.values()):
            said.append(f"* {what}: nothing.")
        elif left:
            by_number: dict[int, list[str]] = defaultdict(list)
            for (protocol, name), number in left.items():
                by_number[number].append(f"{name} ({protocol})")
            cases = [f"{number} of {SEEDS}: {', '.join(sets) if len(sets) < len(plan) else 'every set'}"
                     for number, sets in sorted(by_number.items())]  # fmt: skip
            said.append(f"* {what}, seeds that are missing: {'; '.join(cases)}.")
    failed = [row for row in rows if row["error"]]
    said += [f"* {row['what']} failed: {row['dataset']} ({row['protocol']}), seed {row['seed']}: {row['error']}"
             for row in failed]  # fmt: skip
    return "\n".join(said) or "Nothing."


def page(rows: Sequence[Row]) -> str:
    """Return everything as Markdown."""
    parts = {row["dataset"]: row["part"] for row in rows if row["part"]}
    machines = ", ".join(dict.fromkeys(row["machine"] for row in rows))
    versions = ", ".join(dict.fromkeys(row["version"] for row in rows))
    text = [
        "# Models on tables that nobody tuned on",
        "Made by `make bench-tabular` (`benchmarks/tabular.py`), which says how. Differences are means over sets of "
        "the means over the seeds that both models have, their intervals from a bootstrap over datasets and seeds; "
        "means of models that have other seeds are not to be held against each other. Times are CPU seconds of one "
        f"core ({machines}), geometric means over sets. Calibration is the error of 15 bins of equally many rows; of "
        "it and of log loss less is better. A set is won where the mean over seeds is higher. By random splits "
        f"{' and '.join(LEAKY)} give their labels away ([what tables give away](leaks.md)): they are shown, and are in "
        f"no mean. Versions: {versions}.",
        "## Goals",
        "What each preset was to reach, set before the runs; differences are ours minus theirs, with 95 % intervals. A "
        "goal that was measured on some of the sets only is open.",
        goals.table({protocol: (of_protocol(rows, protocol), names) for protocol, names in MEANS.items()}),
        "## Answers",
    ]
    for protocol, names in MEANS.items():
        own = of_protocol(rows, protocol)
        text += [f"### {TITLES[protocol]}", summary(own, names)]
        for one in OURS:
            if any(row["what"] == one for row in own):
                text += [f"#### {one}, against each", duels(own, one, names)]
    text += [
        "![Accuracy against CPU seconds, and against time to predict](tabular.png)",
        "## What leaks are worth",
        "Accuracy by each protocol, means over seeds; the models in the order of the random splits of the first set.",
        by_protocol(rows),
        "## Set by set",
        "Accuracy by random splits, means over seeds.",
        set_by_set(of_protocol(rows, RANDOM), (*SOUND, *LEAKY, *ALONE), parts),
    ]
    text += [
        "## The search",
        f"The defaults and {TRIALS - 1} settings drawn once for all sets, judged on the validation rows of seed 0 by "
        "accuracy, of equals by log loss; fitted with every seed to training and validation rows.",
        ranges(),
        "## Not run",
        not_run(rows),
    ]
    return "\n\n".join(text) + "\n"


def draw(rows: Sequence[Row], path: Path) -> None:
    """Write the figure: mean accuracy over the honest protocol's sets against CPU seconds and time to predict."""
    names = MEANS[HONEST]
    own = of_protocol(rows, HONEST)
    accuracy, seconds, micro = (means(own, number) for number in ("accuracy", "seconds", "microseconds"))
    shown = complete(own, names)
    drawn: list[dict[str, Point]] = []
    with style():
        figure, panels = plt.subplots(1, 2, figsize=(8, 3.6), sharey=True, layout="constrained")
        labels = ("CPU seconds, search and fit (geometric mean)", "microseconds a row to predict (geometric mean)")
        for axes, cost, label in zip(panels, (seconds, micro), labels, strict=True):
            points = {
                what: (
                    geometric_mean(cost[what, name] for name in names),
                    fmean(accuracy[what, name] for name in names),
                )
                for what in shown
            }
            drawn.append(points)
            front = pareto(points)
            axes.plot(*zip(*(points[what] for what in front), strict=True), color="0.6", zorder=1)
            for what, point in points.items():
                colour, marker = SERIES[0 if what in OURS else 1 if what.removesuffix(TUNED) in BOOSTING else 2]
                axes.plot(*point, marker, color=colour)
            axes.set_xscale("log")
            axes.margins(x=0.25)
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.xaxis.set_major_formatter("{x:g}")
            axes.xaxis.set_minor_formatter("")
            axes.set_xlabel(label)
        for (colour, marker), label in zip(SERIES, ("truly sparse (ours)", "boosting", "others"), strict=False):
            panels[1].plot([], [], marker, color=colour, label=label)
        panels[1].legend(loc="lower right")
        panels[0].set_ylabel(f"accuracy, %, mean of {len(names)} sets, honest protocol")
        figure.draw_without_rendering()  # where things are is known from here on
        for axes, points in zip(panels, drawn, strict=True):
            _name(axes, points)
        with atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=150, metadata={"Software": None})
        plt.close(figure)


#: Where the name of a point may stand, in points to the right and up of it, the better places first.
PLACES = tuple((sign * 6, up) for up in (3, -10, -4, 10, -17, 17, 24, -24) for sign in (1, -1))


def _name(axes: Axes, points: Mapping[str, Point]) -> None:
    """Write the name of every point beside it, in the first place where it lies on no other name, point or border."""
    legend = axes.get_legend()
    taken = [legend.get_window_extent()] if legend else []
    taken += [Bbox.from_extents(x - 6, y - 6, x + 6, y + 6) for x, y in axes.transData.transform(list(points.values()))]
    for what, point in sorted(points.items(), key=lambda item: -item[1][1]):
        name = axes.annotate(what.removeprefix(OWN), point, (0, 0), textcoords="offset points")
        for place in PLACES:
            name.set(position=place, ha="left" if place[0] > 0 else "right")
            box = name.get_window_extent().padded(-1)
            if axes.bbox.x0 <= box.x0 and box.x1 <= axes.bbox.x1 and not any(box.overlaps(one) for one in taken):
                break
        taken.append(box)


def pareto(points: Mapping[str, Point]) -> list[str]:
    """Return the names of points (cost, accuracy) than which none is cheaper and as accurate, the cheapest first."""
    front: list[str] = []
    for what in sorted(points, key=lambda name: (points[name][0], -points[name][1])):
        if not front or points[what][1] > points[front[-1]][1]:
            front.append(what)
    return front


def write(folder: Path, rows: Sequence[Row]) -> None:
    """Write the report, and the figure where a model was fitted to all sets."""
    write_text(folder / "tabular.md", page(rows))
    if complete(of_protocol(rows, HONEST), MEANS[HONEST]):
        draw(rows, folder / "tabular.png")
