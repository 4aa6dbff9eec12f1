"""Models on tables that nobody tuned on, ours beside their peers, one core each.

    python benchmarks/tabular.py [--models LightGBM "LightGBM, tuned"] [--datasets pol] [--seeds 0 1] [--data data]
    python benchmarks/tabular.py --report     # the report and the figure of what was measured, without measuring

Every model is fitted to training and validation rows together and judged on the test rows, by two protocols: random
splits, and honest ones (`splits.py`; only the tables that these split otherwise are fitted again). A tuned model is
the best of 30 settings by accuracy on the validation rows of seed 0, of equals by log loss. Each model has a process of
its own, on one core and one thread, which first fits a small table, so that nothing is compiled or loaded while it is
timed; all seconds are CPU seconds. Results are lines of results/tabular.csv and tabular_search.csv; a line that is
there is not computed again, so that it goes on where it was stopped (but with `--anew`). Peers that are not installed
are named and left out; `pip install -e .[peers]` installs all. Prepare the datasets first:
`python -m truly_sparse data --all`.
"""

import single_core  # noqa: F401, I001  (before NumPy)

import argparse
import functools
import itertools
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

import columns
import machine
import numpy as np
from defaults_tables import TABULAR
from lines import Lines
from rounds import clocked
from splits import HONEST, HONEST_SPLITS, RANDOM, dataset
from tabular_models import MODELS, OURS, missing, trials

from truly_sparse.data.arrays import Arrays
from truly_sparse.measure import host
from truly_sparse.measure.metrics import classification_metrics

RESULTS = Path(__file__).parent / "results"
COLUMNS = (
    "protocol", "dataset", "seed", "what", "accuracy", "roc_auc", "log_loss", "calibration", "search_seconds",
    "seconds", "microseconds", "rows", "part", "version", "machine", "error",
)  # fmt: skip
KEY = ("protocol", "dataset", "seed", "what")
SEARCH_COLUMNS = ("protocol", "dataset", "what", "trial", "accuracy", "log_loss", "seconds", "error")
SEARCH_KEY = ("protocol", "dataset", "what", "trial")
DATASETS = (*TABULAR, "gesture", "higgs")
#: Every so many rows, by confidence, are a bin of the calibration error.
BINS = 15
Case = tuple[str, str, int]


def calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean over rows of |accuracy - mean confidence| of their bin; bins hold equally many rows."""
    confidence = probabilities.max(axis=1)
    gaps = (probabilities.argmax(axis=1) == labels) - confidence
    parts = np.array_split(gaps[np.argsort(confidence, kind="stable")], BINS)
    return sum(abs(float(part.sum())) for part in parts) / len(labels)


def scores(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, str]:
    """Return accuracy, ROC AUC and calibration error in percent, and the log loss in nats."""
    found = classification_metrics(probabilities, labels)
    area = found["roc_auc"]
    return {
        "accuracy": f"{100 * found['accuracy']:.4f}",
        "roc_auc": "" if area is None else f"{100 * area:.4f}",
        "log_loss": f"{found['log_loss']:.5f}",
        "calibration": f"{100 * calibration_error(probabilities, labels):.4f}",
    }


def fitted(
    name: str, settings: dict[str, Any], seed: int, x: np.ndarray, y: np.ndarray, x_held: np.ndarray
) -> tuple[np.ndarray, float, float]:
    """Return the probabilities of the rows that were held out, CPU seconds of the fit, and of a prediction of these."""
    model = MODELS[name].make(seed, **settings)
    seconds = clocked(lambda: model.fit(x, y))
    probabilities = np.asarray(model.predict_proba(x_held), np.float64)
    return probabilities, seconds, clocked(lambda: model.predict_proba(x_held), 3)


def warm_up(name: str) -> None:
    """Fit made-up rows, so that all is compiled and loaded before anything is timed."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(400, 5)).astype(np.float32), rng.integers(0, 2, 400)
    for batch in (32, 64, 128) if name in OURS else (0,):
        model = MODELS[name].make(0)
        if batch:
            model.set_params(batch_size=batch)
        model.fit(x, y).predict_proba(x)


def search(lines: Lines, name: str, protocol: str, dataset_name: str, folder: str) -> tuple[dict[str, Any], float]:
    """Return the best settings of a tuned model on a dataset, and the CPU seconds that all trials took."""
    about = {"protocol": protocol, "dataset": dataset_name, "what": name}
    tried = trials(name)
    data = None
    for trial, settings in enumerate(tried):
        if not lines.has({**about, "trial": trial}):
            data = data or dataset(dataset_name, folder, 0, protocol)
            lines.compute({**about, "trial": trial}, functools.partial(_tried, name, settings, data))
    held = [row for row in lines.rows if about.items() <= row.items()]
    best = max((row for row in held if not row["error"]), key=lambda r: (float(r["accuracy"]), -float(r["log_loss"])))
    return tried[int(best["trial"])], sum(float(row["seconds"]) for row in held)


def _tried(name: str, settings: dict[str, Any], data: Arrays) -> dict[str, Any]:
    """Return how good settings are on the validation rows, and the CPU seconds of fit and prediction."""
    start = time.process_time()
    try:
        probabilities, *_ = fitted(name, settings, 0, data.x_train, data.y_train, data.x_validation)
        found = scores(probabilities, data.y_validation)
    except Exception as error:
        found = {"error": _line(error)}
    kept = {key: value for key, value in found.items() if key in SEARCH_COLUMNS}
    return kept | {"seconds": f"{time.process_time() - start:.4f}"}


def measure(name: str, wanted: Sequence[Case], folder: str, results: Path) -> None:
    """Add the lines of one model that are missing; called in a process of its own."""
    host.hold_one_core()
    warm_up(name)
    lines = Lines(results / "tabular.csv", COLUMNS, KEY)
    searched = Lines(results / "tabular_search.csv", SEARCH_COLUMNS, SEARCH_KEY)
    package = MODELS[name].package
    about = {"what": name, "machine": columns.title(machine.facts())}
    distribution = packages_distributions().get(package, [package.replace("_", "-")])[0]
    about["version"] = f"{distribution} {version(distribution)}"
    for protocol, dataset_name, seed in wanted:
        key = {**about, "protocol": protocol, "dataset": dataset_name, "seed": seed}
        if not lines.has(key):
            settings, seconds = {}, 0.0
            if MODELS[name].ranges:
                settings, seconds = search(searched, name, protocol, dataset_name, folder)
            data = dataset(dataset_name, folder, seed, protocol)
            key |= {"search_seconds": f"{seconds:.4f}", "part": data.info["partial"] or ""}
            lines.compute(key, functools.partial(_reported, name, settings, seed, data))


def _reported(name: str, settings: dict[str, Any], seed: int, data: Arrays) -> dict[str, Any]:
    """Return how good a model is on the test rows, and what it took; or the error."""
    x, y = np.concatenate((data.x_train, data.x_validation)), np.concatenate((data.y_train, data.y_validation))
    try:
        probabilities, seconds, predicted = fitted(name, settings, seed, x, y, data.x_test)
    except Exception as error:
        return {"error": _line(error), "rows": len(y)}
    each = f"{1e6 * predicted / len(data.y_test):.3f}"
    found = {"seconds": f"{seconds:.4f}", "microseconds": each, "rows": len(y)}
    return scores(probabilities, data.y_test) | found


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".replace("\n", " ")[:200]


def cases(protocols: Sequence[str], names: Sequence[str], seeds: Sequence[int]) -> Iterator[Case]:
    """Yield what is fitted: protocol, dataset and seed, all of a seed together."""
    for seed, protocol, name in itertools.product(seeds, protocols, names):
        if protocol == RANDOM or name in HONEST_SPLITS:
            yield protocol, name, seed


def main() -> None:
    """Measure what is missing, model by model, then write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS), metavar="MODEL")
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=DATASETS, metavar="NAME")
    parser.add_argument("--protocols", nargs="+", choices=(RANDOM, HONEST), default=(RANDOM, HONEST))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--data", default="data", help="folder of the prepared datasets (default: data)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the CSV files and the report")
    parser.add_argument("--report", action="store_true", help="measure nothing")
    parser.add_argument(
        "--anew", action="store_true", help="measure again what is there of these models, as they changed"
    )
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    wanted = list(cases(arguments.protocols, arguments.datasets, arguments.seeds))
    if arguments.one:
        warnings.simplefilter("ignore")
        measure(arguments.models[0], wanted, arguments.data, arguments.results)
        return
    known = Lines(arguments.results / "tabular.csv", COLUMNS, KEY)
    if arguments.anew:
        asked = {(protocol, name, str(seed)) for protocol, name, seed in wanted}
        known.drop(lambda row: row["what"] in arguments.models and tuple(row[key] for key in KEY[:3]) in asked)
    for name in [] if arguments.report else arguments.models:
        left = [case for case in wanted if not known.has({**dict(zip(KEY, case, strict=False)), "what": name})]
        if missing(name):
            package = MODELS[name].package
            print(f"{name}: {package} is not installed (pip install -e .[peers]); left out", file=sys.stderr)
        elif left:
            command = [sys.executable, __file__, *_options(arguments), "--models", name, "--one"]
            subprocess.run(command, env=machine.environment(machine.chosen()), check=True)
    import tabular_report  # loads matplotlib, which the processes that measure do without

    tabular_report.write(arguments.results, Lines(arguments.results / "tabular.csv", COLUMNS, KEY).rows)


def _options(arguments: argparse.Namespace) -> list[str]:
    """Return the options that a process of its own has in common with this one."""
    options = []
    for name in ("datasets", "protocols", "seeds"):
        options += [f"--{name}", *map(str, getattr(arguments, name))]
    return [*options, "--data", arguments.data, "--results", str(arguments.results)]


if __name__ == "__main__":
    main()
