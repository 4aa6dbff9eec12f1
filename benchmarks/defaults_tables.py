"""The results of `defaults.py` as Markdown: goals, accuracies by dataset, what each change of the defaults brings."""

import itertools
import json
from collections import defaultdict
from collections.abc import Container, Sequence
from typing import Any, NamedTuple

import numpy as np

DEVELOPMENT = (
    "gesture",
    "bank-marketing",
    "california",
    "credit",
    "eye_movements",
    "house_16H",
    "MagicTelescope",
    "pol",
)
REPORTED = (
    "Bioresponse", "default-of-credit-card-clients", "Diabetes130US", "electricity", "heloc", "higgs", "jannis",
    "MiniBooNE",
)  # fmt: skip
RESAMPLES = 10_000
#: What the base of the presets, which were the defaults first, has where `best` has other values.
BASE: dict[str, Any] = {"pairs": 0, "effort": 1.0, "dropout": 0.35, "calibration_fraction": 0.0}
TABULAR = tuple(name for name in (*DEVELOPMENT, *REPORTED) if name not in ("gesture", "higgs"))
GROUPS = {
    "the 14 tabular sets": TABULAR,
    "development half of the 14": tuple(name for name in TABULAR if name in DEVELOPMENT),
    "reported half of the 14": tuple(name for name in TABULAR if name in REPORTED),
    "Gesture": ("gesture",),
    "HIGGS": ("higgs",),
}


Gains = dict[str, list[tuple[float, float]]]


def paired(
    rows: Sequence[dict[str, str]], one: str, other: str, names: Container[str], number: str = "accuracy"
) -> Gains:
    """Return by dataset, for every seed that both have: `number` of `one` - `other`, and the ratio of their seconds."""
    found = {(row["dataset"], row["seed"], row["what"]): row for row in rows if not row["error"]}
    gains: Gains = defaultdict(list)
    for (name, seed, what), row in found.items():
        base = found.get((name, seed, other))
        if what == one and base is not None and name in names:
            gain = float(row[number]) - float(base[number])
            gains[name].append((gain, float(row["seconds"]) / float(base["seconds"])))
    return gains


class Judged(NamedTuple):
    """The mean gain with its 95 % interval, the geometric mean of the ratios of times, datasets, and seeds at most."""

    mean: float
    low: float
    high: float
    cost: float
    sets: int
    seeds: int

    @property
    def interval(self) -> str:
        return f"{self.low:+.2f} to {self.high:+.2f}"

    def __str__(self) -> str:
        return f"{self.mean:+.2f} | {self.interval} | {self.cost:.2f}x | {self.sets} | {self.seeds}"


def judged(gains: Gains) -> Judged:
    """Judge gains by a bootstrap that draws datasets, and seeds within each."""
    rng, count = np.random.default_rng(0), len(gains)
    found = [np.array([gain for gain, _ in pairs]) for pairs in gains.values()]
    by_dataset = np.array([rng.choice(own, (RESAMPLES, len(own))).mean(axis=1) for own in found])
    drawn = by_dataset[rng.integers(count, size=(count, RESAMPLES)), np.arange(RESAMPLES)].mean(axis=0)
    low, high = np.percentile(drawn, (2.5, 97.5))
    mean = float(np.mean([own.mean() for own in found]))
    cost = np.exp(np.mean([np.mean([np.log(ratio) for _, ratio in pairs]) for pairs in gains.values()]))
    return Judged(mean, float(low), float(high), float(cost), count, max(len(own) for own in found))


def search_table(rows: list[dict[str, str]]) -> str:
    """Return every change of the base by its mean gain over it, on the same datasets and seeds."""
    losses = all(row.get("log_loss") for row in rows)
    heads = ["change of the base", "gain, points", "95 % over datasets", "fit time", "datasets", "seeds", "Gesture"]
    heads += ["log loss, 1/100 nat"] if losses else []
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    tabular = GROUPS["development half of the 14"]
    found = []
    for what in dict.fromkeys(row["what"] for row in rows if row["what"] != "{}"):
        gains, gesture = paired(rows, what, "{}", tabular), paired(rows, what, "{}", ("gesture",))
        if gains:
            judgement = judged(gains)
            alone = f"{np.mean([gain for gain, _ in gesture['gesture']]):+.2f}" if gesture else "–"
            change = ", ".join(f"{name} {value}" for name, value in json.loads(what).items())
            line = f"| {change} | {judgement} | {alone} |"
            if losses:
                line += f" {100 * judged(paired(rows, what, '{}', tabular, 'log_loss')).mean:+.2f} |"
            found.append((judgement.mean, line))
    return "\n".join([*lines, *(line for _, line in sorted(found, reverse=True))])


def report_table(rows: list[dict[str, str]], models: list[str]) -> str:
    """Return test accuracies and fit times of the models that were run, and the first against each other one."""
    models = [model for model in models if any(row["what"] == model for row in rows)]
    cells = defaultdict(list)
    for row in rows:
        if not row["error"]:
            cells[row["dataset"], row["what"]].append((float(row["accuracy"]), float(row["seconds"])))
    parts = {row["dataset"]: row["part"] for row in rows if row["part"]}
    lines = []
    for half, names in (("Development half", DEVELOPMENT), ("Reported half", REPORTED)):
        lines += [f"### {half}", "", f"| dataset | {' | '.join(models)} |", "|---" * (len(models) + 1) + "|"]
        for name in names:
            if any(cells[name, model] for model in models):
                mark = f" ({parts[name]})" if name in parts else ""
                lines.append(f"| {name}{mark} | {' | '.join(cell(cells[name, model]) for model in models)} |")
        lines += [""]
    lines += ["### The ensemble's defaults against each", ""]
    lines += [
        "| against | datasets | points | 95 % over datasets | fit time | number | seeds |",
        "|---|---|---|---|---|---|---|",
    ]
    for model, (group, names) in itertools.product(models[1:], GROUPS.items()):
        gains = paired(rows, models[0], model, names)
        if gains:
            lines.append(f"| {model} | {group} | {judged(gains)} |")
    return "\n".join(lines)


def goals_table(rows: list[dict[str, str]]) -> str:
    """Return what was aimed at, what was measured on test rows, and whether it was reached (by the mean)."""
    lines = ["| goal | measured | 95 % | |", "|---|---|---|---|"]
    gesture = [float(row["accuracy"]) for row in rows if (row["dataset"], row["what"]) == ("gesture", "ensemble")]
    if gesture:
        drawn = np.random.default_rng(0).choice(gesture, (RESAMPLES, len(gesture))).mean(axis=1)
        low, high = np.percentile(drawn, (2.5, 97.5))
        lines.append(
            f"| Gesture, the authors' rows: 90 or more | {np.mean(gesture):.2f} ({len(gesture)} seeds) "
            f"| {low:.2f} to {high:.2f} | {verdict(np.mean(gesture) >= 90)} |"
        )
    for model, least, goal in (
        ("boosting", -1.0, "14 sets: at most 1.0 point below boosting"),
        ("dense, tuned", 0.0, "14 sets: above a tuned dense network"),
        ("MLPClassifier", 0.0, "14 sets: above MLPClassifier"),
    ):
        gains = paired(rows, "ensemble", model, TABULAR)
        if gains:
            found = judged(gains)
            reached = verdict(found.mean >= least)
            lines.append(f"| {goal} | {found.mean:+.2f} ({found.sets} sets) | {found.interval} | {reached} |")
    gains = paired(rows, "ensemble", "boosting", TABULAR)
    if gains:
        ratios = {name: np.exp(np.mean([np.log(ratio) for _, ratio in found])) for name, found in gains.items()}
        mean, over = np.exp(np.mean(np.log(list(ratios.values())))), [name for name in ratios if ratios[name] > 3]
        each = f"more on {', '.join(f'{name} ({ratios[name]:.1f}x)' for name in over)}" if over else "on each"
        lines.append(f"| 14 sets: at most 3x boosting's fit time | {mean:.2f}x; {each} | | {verdict(mean <= 3)} |")
    return "\n".join(lines)


def verdict(reached: bool) -> str:
    """Return the word for it."""
    return "reached" if reached else "missed"


def cell(values: list[tuple[float, float]]) -> str:
    """Return mean ± deviation over seeds, and CPU seconds."""
    if not values:
        return "–"
    accuracy, seconds = np.array(values).T
    spread = f" ± {accuracy.std(ddof=1):.2f}" if len(accuracy) > 1 else ""
    return f"{accuracy.mean():.2f}{spread} ({seconds.mean():.1f} s)"


def page(
    reported: list[dict[str, str]],
    searched: list[dict[str, str]],
    stepped: list[dict[str, str]],
    few: list[dict[str, str]],
    models: list[str],
) -> str:
    """Return everything as Markdown."""
    return f"""# The estimators' defaults

Made by `benchmarks/defaults.py`, where the base, which are the defaults without pairs, three times the effort and more
dropout, is "ensemble" and "single SET": accuracies in percent, mean ± deviation over seeds (CPU seconds of a fit on one
core). The first three tables were measured before networks of few rows had fewer links, the last two with that bound,
which `epsilon` 10, the density of two classes, takes away. The 95 % intervals are of a bootstrap over datasets and
seeds; fit times are geometric means of ratios.

## Goals

{goals_table(reported)}

## Test rows

{report_table(reported, models)}

## Changes of the base, on validation rows of the development half

{search_table(searched)}

## From the base to the presets, on validation rows of the development half

{search_table(stepped)}

## Tables of 1,000 training rows, on validation rows of the development half

{search_table(few)}
"""
