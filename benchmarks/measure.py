"""Measure everything with one instruction set and write it as JSON: what `bench.py` starts, once for each.

python benchmarks/measure.py RESULT.json [--rounds 12] [--largest 2e7] [--only shortcuts fits]
"""

import single_core  # noqa: F401, I001

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import epochs
import escapes
import inference
import machine
import pictures
import products
import profile_kernels
import fits
import fitted
import scale
import shortcuts
import starts
import subnetworks

from truly_sparse.files import write_json
from truly_sparse.measure import host


def parts_of(rounds: int, largest: float) -> dict[str, Callable[[], Any]]:
    """Return what measures each part of a column."""
    return {
        "first": starts.measure_first,
        "speed": lambda: epochs.measure(rounds),
        "kernels": lambda: profile_kernels.measure(60),
        "inference": lambda: inference.measure(rounds),
        "fitted": lambda: fitted.measure(rounds),
        "fits": lambda: fits.measure(3),
        "scale": lambda: scale.sweep(largest),
        "higgs": lambda: scale.alone("--higgs"),
        "escapes": escapes.measure,
        "shortcuts": lambda: shortcuts.measure(rounds),
        "subnetworks": lambda: subnetworks.measure(rounds),
        "pictures": lambda: pictures.measure(rounds),
        "products": lambda: products.measure(rounds),
        "whole_run": starts.measure_whole_run,
    }


def measure(result: Path, rounds: int, largest: float, only: list[str] | None) -> None:
    """Measure a column, or some of its parts anew, and write each part when it is done: no later one can lose it."""
    parts = parts_of(rounds, largest)
    load, pinned = os.getloadavg()[0], host.hold_one_core()
    column = json.loads(result.read_text(encoding="utf-8")) if only else {"machine": machine.facts(), "rounds": rounds}
    for name in only or parts:
        start = time.perf_counter()
        column[name] = parts[name]()
        if not only:
            column |= {"pinned": pinned, "loads": [load, os.getloadavg()[0]], "torch": _torch()}
            column["host"] = {**host.facts(), **host.threads()}  # of all libraries that are loaded by now
        write_json(result, _short(column))
        print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)


def _short(found: Any) -> Any:
    """Return results with five digits of each number that is not whole: no clock knows more."""
    if isinstance(found, dict):
        return {name: _short(value) for name, value in found.items()}
    if isinstance(found, list):
        return [_short(value) for value in found]
    return float(f"{found:.5g}") if isinstance(found, float) else found


def _torch() -> dict[str, str] | None:
    """Return PyTorch's version and the instructions of its own kernels, if it is installed."""
    try:
        import torch
    except ModuleNotFoundError:
        return None
    return {"version": version("torch"), "instructions": torch.backends.cpu.get_cpu_capability()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("result", type=Path, help="file to write")
    parser.add_argument("--rounds", type=int, default=12, help="interleaved rounds (default 12)")
    parser.add_argument("--largest", type=float, default=2e7, help="links of the largest network (default 2e7)")
    parser.add_argument("--only", nargs="+", choices=parts_of(0, 0), help="measure these parts anew, keep the others")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)  # sparse CSR support of PyTorch is in beta, it says
    measure(arguments.result, arguments.rounds, arguments.largest, arguments.only)
