"""Where the presets stand by the goals they were made for, each set before anything was measured, won or lost."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

import columns
from defaults_tables import Judged, judged, paired, verdict
from splits import HONEST, RANDOM
from tabular_models import BOOSTING, OWN, TUNED

Row = dict[str, str]
#: The lines of a protocol, and the sets that its means are over.
Lines = tuple[Sequence[Row], Sequence[str]]
FAST, BEST, ACCURATE, BEFORE = (f"{OWN}{name}" for name in ("fast", "best", "accurate", "before presets"))
SEARCHED = tuple(name + TUNED for name in BOOSTING)
NETWORKS = ("RealMLP", "TabM")


class Found(NamedTuple):
    """What was measured, whether that reaches the goal, and of how many sets it is."""

    measured: str
    reached: bool
    sets: int


class Goal(NamedTuple):
    """What a preset was to reach, and by which protocols; `look` returns None where nothing of it was measured."""

    preset: str
    text: str
    look: Callable[[Lines], Found | None]
    protocols: Sequence[str] = (RANDOM, HONEST)


def above(one: str, other: str, least: float = 0.0, lowest: float | None = None) -> Goal:
    """Return the goal of a mean difference in accuracy, and of the lower end of its interval."""

    def look(lines: Lines) -> Found | None:
        found = _judged(lines, one, other)
        if found is None:
            return None
        reached = found.mean >= least and (lowest is None or found.low > lowest)
        return Found(f"{found.mean:+.2f} ({found.interval})", reached, found.sets)

    interval = "" if lowest is None else f", its interval above {lowest:g}"
    return Goal(one, f"accuracy minus that of {other}: {least:g} or more{interval}", look)


def near_the_best(one: str, others: Sequence[str], most: float) -> Goal:
    """Return the goal of lying on no set more points than `most` behind the best of `others` on it."""

    def look(lines: Lines) -> Found | None:
        rows, known = lines
        all_gains = [paired(rows, one, other, known) for other in others]
        names = [name for name in known if all(name in gains for gains in all_gains)]
        if not names:
            return None
        least = {name: min(fmean(gain for gain, _ in gains[name]) for gains in all_gains) for name in names}
        worst = min(least, key=lambda name: least[name])
        return Found(f"{worst} {least[worst]:+.2f}", least[worst] >= -most, len(names))

    return Goal(one, f"on no set more than {most:g} point behind the best of {_listed(others)}", look)


def at_most(one: str, other: str, most: float) -> Goal:
    """Return the goal of a ratio of CPU seconds, search and fit together, in the geometric mean over sets."""

    def look(lines: Lines) -> Found | None:
        found = _judged(lines, one, other)
        if found is None:
            return None
        return Found(f"{found.cost:.2f}x", found.cost <= most, found.sets)

    return Goal(one, f"CPU seconds, search and fit: {most:g} times those of {other}, or less", look)


def below(one: str, others: Sequence[str], number: str, title: str, unit: str, scale: float) -> Goal:
    """Return the goal of a smaller mean of a number than that of each of `others`."""

    def look(lines: Lines) -> Found | None:
        found = {other: own for other in others if (own := _judged(lines, one, other, number))}
        if not found:
            return None
        closest = max(found, key=lambda other: found[other].mean)
        mean = scale * found[closest].mean
        sets = min(found[other].sets if other in found else 0 for other in others)
        return Found(f"{mean:+.2f} {unit} to {closest}", mean < 0, sets)

    return Goal(one, f"{title} below that of each boosting model, default and tuned", look)


def alone(one: str, name: str, least: float) -> Goal:
    """Return the goal of an accuracy by random splits on one set that is in no mean."""

    def look(lines: Lines) -> Found | None:
        own = [float(row["accuracy"]) for row in lines[0] if (row["what"], row["dataset"]) == (one, name)]
        return Found(f"{fmean(own):.2f}", fmean(own) >= least, len(lines[1])) if own else None

    return Goal(one, f"{name}: {least:g} % or more", look, (RANDOM,))


def _judged(lines: Lines, one: str, other: str, number: str = "accuracy") -> Judged | None:
    rows, names = lines
    gains = paired(rows, one, other, names, number)
    return judged(gains) if gains else None


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def goals() -> Iterator[Goal]:
    """Yield every goal, preset by preset."""
    for other in BOOSTING:
        yield above(BEST, other, lowest=-0.2)
    yield near_the_best(BEST, tuple(BOOSTING), 1.0)
    yield alone(BEST, "gesture", 92.5)
    yield at_most(BEST, "LightGBM", 10.0)
    for other in (*SEARCHED, *NETWORKS):
        yield above(ACCURATE, other)
        yield at_most(ACCURATE, other, 0.1)
    for number, title, unit, scale in (
        ("log_loss", "log loss", "hundredths of a nat", 100.0),
        ("calibration", "calibration error", "points", 1.0),
    ):
        yield below(ACCURATE, (*BOOSTING, *SEARCHED), number, title, unit, scale)
    yield above(FAST, BEFORE, least=-0.3)
    yield at_most(FAST, "LightGBM", 1.0)


def table(protocols: Mapping[str, Lines]) -> str:
    """Return every goal, and by each protocol what was measured and whether that reaches it.

    A goal that was measured on some of the sets only is neither reached nor missed.
    """
    lines = [
        [goal.preset.removeprefix(OWN), goal.text, *(_cell(goal, name, own) for name, own in protocols.items())]
        for goal in goals()
    ]
    return columns.markdown(["preset", "goal", *(f"{name} splits" for name in protocols)], lines)


def _cell(goal: Goal, protocol: str, lines: Lines) -> str:
    if protocol not in goal.protocols:
        return "–"
    found = goal.look(lines)
    if found is None:
        return "not run"
    word = verdict(found.reached) if found.sets == len(lines[1]) else f"open, {found.sets} of {len(lines[1])} sets"
    return f"{found.measured}: {word}"
