"""Fits by default, with one worker and two, beside boosting, and what peers take to predict; an import.

    python benchmarks/fits.py [--rounds 3]
    python benchmarks/fits.py --one NAME WORKERS    # what a process of its own measures

The rows are made up, as many as Gesture trains on, with its 50 features and 5 classes, which can be learnt. Each fit is
made by a process of its own, after a short one that compiles and loads. Two workers have two cores; where other
programs have them, too, only the CPU seconds of one worker say something.
"""

import single_core  # noqa: F401, I001

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import columns
import numpy as np
from columns import Columns
from defaults_tables import BASE
from rounds import clocked
from tqdm import tqdm

ROWS, FEATURES, CLASSES, PREDICTED = 7898, 50, 5, 10_000
#: Rows of the fit that compiles and loads, with batches as large as the timed one's.
SHORT = 3000
OURS, INDEPENDENT = "truly sparse (ours)", "truly sparse (ours), independent members"
FAST, BEFORE = "truly sparse (ours), fast", "truly sparse (ours), as before presets"
#: Methods and parameters of ours; the last has as many networks, links and epochs as the default of the first bench.
SETTINGS: dict[str, dict[str, Any]] = {
    OURS: {},
    INDEPENDENT: {"method": "independent"},
    FAST: {"preset": "fast"},
    BEFORE: BASE,
}
#: What is fitted -> the package it takes.
PACKAGES = {
    **dict.fromkeys(SETTINGS, "truly_sparse"),
    "HistGradientBoosting": "sklearn",
    "LightGBM": "lightgbm",
    "XGBoost": "xgboost",
    "CatBoost": "catboost",
}
WORKERS = (1, 2)
#: Takes a minute, and is fitted once.
CATBOOST = "CatBoost"
IMPORT = "from truly_sparse import TrulySparseEnsembleClassifier"


def model_of(name: str, workers: int) -> Any:
    """Return a model with its defaults, unfitted."""
    if name in SETTINGS:
        from truly_sparse import TrulySparseEnsembleClassifier

        return TrulySparseEnsembleClassifier(**SETTINGS[name], n_jobs=workers)
    if name == "LightGBM":
        from lightgbm import LGBMClassifier

        return LGBMClassifier(n_jobs=workers, verbose=-1)
    if name == "XGBoost":
        from xgboost import XGBClassifier

        return XGBClassifier(n_jobs=workers)
    if name == "CatBoost":
        from catboost import CatBoostClassifier

        return CatBoostClassifier(thread_count=workers, verbose=False, allow_writing_files=False)
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier()  # its threads are those of the process


def problem(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and their classes, each of which has a bent direction of its own."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(FEATURES, CLASSES)) / FEATURES**0.5
    x = rng.normal(size=(rows, FEATURES))
    return x, (np.sin(2 * x) @ directions + 0.3 * rng.normal(size=(rows, CLASSES))).argmax(axis=1)


def one(name: str, workers: int) -> dict[str, float]:
    """Return wall and CPU seconds of a fit, and CPU seconds of predictions of many rows and of one."""
    if hasattr(os, "sched_setaffinity"):  # whoever started this process holds one core
        os.sched_setaffinity(0, range(os.cpu_count() or 1) if workers > 1 else {min(os.sched_getaffinity(0))})
    x, y = problem(ROWS)
    shown, _ = problem(PREDICTED)
    short = model_of(name, workers)
    if name in SETTINGS:
        short.set_params(exploration_epochs=2, member_epochs=2)
    if name != CATBOOST:
        short.fit(x[:SHORT], y[:SHORT])
    model = model_of(name, workers)
    wall, cpu = time.perf_counter(), time.process_time()
    model.fit(x, y)
    found = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    row = shown[:1]
    for rows in (shown, row):  # compiles as well
        model.predict_proba(rows)
    return found | {
        "rows": clocked(lambda: model.predict_proba(shown), 3),
        "one": clocked(lambda: model.predict_proba(row), 100),
    }


def _process(name: str, workers: int) -> dict[str, float]:
    threads = {f"{each}_NUM_THREADS": str(workers) for each in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    command = [sys.executable, str(Path(__file__)), "--one", name, str(workers)]
    done = subprocess.run(command, env={**os.environ, **threads}, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def missing(name: str) -> bool:
    """Return whether a package is not installed."""
    return importlib.util.find_spec(PACKAGES[name]) is None


def measure(rounds: int) -> dict[str, Any]:
    """Return what each fit took, round by round, CPU seconds of an import, and the load before and after."""
    names = [name for name in PACKAGES if not missing(name)]
    load, fits = os.getloadavg()[0], [{"what": name, "workers": n, "found": []} for name in names for n in WORKERS]
    imports: list[float] = []
    _import()  # compiles to byte code
    for round_ in tqdm(range(rounds), desc="fits", unit="round", disable=not sys.stderr.isatty()):
        for fit in fits:
            if fit["what"] != CATBOOST or not round_:
                fit["found"].append(_process(fit["what"], fit["workers"]))
        imports.append(_import())
    return {"fits": fits, "import": imports, "loads": [load, os.getloadavg()[0]]}


def _import() -> float:
    code = f"import time; start = time.process_time()\n{IMPORT}\nprint(time.process_time() - start)"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


def _median(found: dict[str, Any], what: str, workers: int, number: str) -> float | None:
    own = [
        fit["found"]
        for fit in found.get("fits", {}).get("fits", [])
        if (fit["what"], fit["workers"]) == (what, workers)
    ]
    return statistics.median(each[number] for each in own[0]) if own else None


def _cell(value: float | None, factor: float, digits: int) -> str:
    return "not installed" if value is None else f"{factor * value:.{digits}f}"


def markdown(machines: Columns) -> str:
    """Return all fits as Markdown, one column for each machine and instruction set."""
    kinds: list[tuple[str, Callable[[dict[str, Any], str], str]]] = [
        ("fit, s", lambda found, what: _cell(_median(found, what, 1, "cpu"), 1, 2)),
        ("fit with two workers, s on the wall", lambda found, what: _cell(_median(found, what, 2, "wall"), 1, 2)),
        ("10,000 rows, ms", lambda found, what: _cell(_median(found, what, 1, "rows"), 1e3, 0)),
        ("one row, ms", lambda found, what: _cell(_median(found, what, 1, "one"), 1e3, 2)),
    ]
    measured = {title: found for title, found in machines.items() if "fits" in found}
    rows = [
        [what, kind, *(cell(found, what) for found in measured.values())] for what in PACKAGES for kind, cell in kinds
    ]
    rows.append(["import", "s", *(f"{statistics.median(own['fits']['import']):.2f}" for own in measured.values())])
    loads = "; ".join(" and ".join(f"{load:.1f}" for load in own["fits"]["loads"]) for own in measured.values())
    return (
        f"Models by default, {ROWS:,} rows, {FEATURES} features, {CLASSES} classes: CPU seconds and milliseconds of "
        f"one worker; two share the cores with what else ran (load before and after: {loads}). As before presets: the "
        "default of an earlier release, with a third of the training.\n\n"
        + columns.markdown(["what", "", *measured], rows)
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", nargs=2)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)
    if arguments.one:
        print(json.dumps(one(arguments.one[0], int(arguments.one[1]))))
    else:
        print(markdown({"here": {"fits": measure(arguments.rounds)}}))
