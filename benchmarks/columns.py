"""The results of all machines and instruction sets, one column of the tables each."""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from machine import SETS

#: Column title -> what `measure.py` found there.
Columns = dict[str, dict[str, Any]]


def stem(machine: dict[str, Any]) -> str:
    """Return the name of a result's file: vendor, family, model and instruction set."""
    return "-".join(str(machine[key]) for key in ("vendor", "family", "model", "instructions"))


def title(machine: dict[str, Any]) -> str:
    """Return the head of a column: the design of the processor, and the instruction set."""
    instructions = SETS.get(machine["instructions"], (machine["instructions"],))[0]
    return f"{design(machine)}, {instructions}{'' if machine['native'] else ' code'}"


def design(machine: dict[str, Any]) -> str:
    """Return the name that people give the processor's design, LLVM's where that is not known."""
    known = re.sub(r"^znver", "Zen ", machine["design"])
    return re.sub(r"^(\w+?)(lake|rapids)$", lambda words: " ".join(words.groups()).title(), known)


def load(folder: Path) -> Columns:
    """Read the results of a folder, in the order of processors, wide instructions before narrow ones."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    found.sort(key=lambda result: _place(result["machine"]))
    titles = [title(result["machine"]) for result in found]
    machines: Columns = {}
    for name, result in zip(titles, found, strict=True):
        own = result["machine"]
        alike = f" (family {own['family']}, model {own['model']})" if titles.count(name) > 1 else ""
        machines[name + alike] = result
    return machines


def _place(own: dict[str, Any]) -> tuple[Any, ...]:
    order = [*SETS, own["instructions"]].index(own["instructions"])
    return own["vendor"], own["family"].rjust(9), own["model"].rjust(9), order


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
