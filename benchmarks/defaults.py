"""How the estimators' defaults were chosen, and where they stand.

    python benchmarks/defaults.py report    # defaults and rivals on test rows of every dataset
    python benchmarks/defaults.py search    # one change of the base after the other, on the development half
    python benchmarks/defaults.py presets   # from the base to the presets, likewise
    python benchmarks/defaults.py few       # what a table of few rows wants, likewise
    python benchmarks/defaults.py table     # all as Markdown: benchmarks/results/defaults.md

The base (`BASE`) were the defaults first; the presets fast, best and accurate add to it. Settings are judged on
DEVELOPMENT only, by the accuracy on validation rows (a fifth of the training rows, which no fit sees). REPORTED is
never searched. The commands write CSV and go on where they were stopped: a line that is there is not computed again.
Prepare the datasets first: `python -m truly_sparse data --all`.
"""

import single_core  # noqa: F401, I001  (before NumPy)

import argparse
import itertools
import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from defaults_tables import BASE, DEVELOPMENT, REPORTED, page
from lines import Lines
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from splits import dataset

from truly_sparse import SparseMLPClassifier, TrulySparseEnsembleClassifier
from truly_sparse.data.arrays import Arrays
from truly_sparse.ensembles.trainer import Data, Trainer, predict_members
from truly_sparse.measure.metrics import predict_ensemble
from truly_sparse.files import write_text
from truly_sparse.references import hist_gradient_boosting, sklearn_mlp

RESULTS = Path(__file__).parent / "results"

#: Each is tried alone, as a change of the base.
CHANGES: dict[str, list[Any]] = {
    "preprocessing": ["quantile", "standard"],
    "members": [1, 3, 10],
    "hidden_layer_sizes": [[100, 100], [400, 400], [1000, 1000], [200], [200, 200, 200]],
    "bins": [16, 64],
    "dropout": [0.0, 0.2, 0.5],
    "epsilon": [5, 20],
    "learning_rate": [0.1, 0.3],
    "activation": ["relu"],
    "init": ["he_links"],
    "learning_rate_schedule": ["steps"],
    "method": ["edst_rg"],
    "weight_decay": [0.0, 0.002],
    "restart_prune_fraction": [0.5],
}
PAIRS, LONG = {"pairs": 12}, {"pairs": 12, "effort": 3.0, "dropout": 0.45}
#: A trial for the temperature; the density of two classes however few rows there are.
CALIBRATED, UNBOUND = {"calibration_fraction": 0.2}, {"epsilon": 10.0}
#: On the way from the base to the presets; "network" is one by itself.
STEPS: list[dict[str, Any]] = [
    PAIRS,
    PAIRS | {"effort": 3.0},
    LONG,
    LONG | CALIBRATED,
    LONG | {"dropout": 0.55},
    LONG | {"weight_decay": 0.001},
    LONG | {"bins": 64},
    LONG | {"members": 10},
    LONG | {"hidden_layer_sizes": [400, 400]},
    PAIRS | {"effort": 6.0, "dropout": 0.5},
    PAIRS | {"effort": 10.0, "dropout": 0.5, "members": 10},
    PAIRS | {"effort": 0.5},
    PAIRS | {"effort": 0.5, "members": 3},
    *({"effort": effort} for effort in (0.5, 0.4, 0.3)),
    *(PAIRS | {"effort": effort} for effort in (0.3, 0.25)),
    *(PAIRS | {"effort": effort, "members": 3} for effort in (0.4, 0.35, 0.3, 0.25)),
    PAIRS | {"effort": 0.3, "members": 2},
    {"effort": 0.4, "members": 3},
    PAIRS | {"network": 1},
    LONG | {"network": 1},
    PAIRS | {"network": 1, "effort": 3.0, "dropout": 0.5},
    LONG | CALIBRATED | {"network": 1},
]
#: Of tables of `FEW_ROWS` training rows: what bounds the links, and what the trial is worth.
FEW: list[dict[str, Any]] = [
    LONG,
    LONG | CALIBRATED,
    LONG | UNBOUND,
    LONG | UNBOUND | CALIBRATED,
    LONG | {"effort": 1.0},
    LONG | {"dropout": 0.6},
    PAIRS | {"effort": 0.5},
    PAIRS | {"effort": 0.5} | UNBOUND,
]
FEW_ROWS = 1000
#: Rows that each of the tuned dense network's trainings sees at most; the ensemble sees 250,000 of two classes.
DENSE_ROWS = 500_000
COLUMNS = ("dataset", "half", "seed", "what", "accuracy", "seconds", "rows", "part", "error")
KEY = ("dataset", "seed", "what")


class DenseTuned:
    """A dense network on standardised rows, the best of four by accuracy on a fifth of the rows.

    The four are those of the experiment `baselines`, with at most `DENSE_ROWS` rows seen by each.
    """

    def __init__(self, random_state: int) -> None:
        self.seed = random_state

    def fit(self, x: np.ndarray, y: np.ndarray) -> "DenseTuned":
        """Train the four and keep the best."""
        self.scaler = StandardScaler().fit(x)
        rows = np.random.default_rng(self.seed).permutation(len(y))
        held, rest = np.split(rows, [len(y) // 5])
        scaled = self.scaler.transform(x).astype(np.float32)
        data = Data(scaled[rest], y[rest], scaled[held], y[held], int(y.max()) + 1)
        epochs = min(100, DENSE_ROWS // len(rest))
        base = {"hidden_layer_sizes": [256, 256], "members": 1, "epochs": epochs, "exploration_epochs": epochs // 2}
        base |= {"refinement": "eta", "activation": "relu", "decay_times_learning_rate": True}
        trained = []
        for rate, dropout in itertools.product((0.01, 0.05), (0.0, 0.2)):
            trainer = Trainer(data, base | {"learning_rate": rate, "dropout": dropout}, "dense", "none", self.seed)
            trainer.run()
            if trainer.progress.failure is None:
                trained.append(trainer.members)
        self.members = max(trained, key=lambda members: members[0].score or 0.0)
        return self

    def score(self, x: np.ndarray, y: np.ndarray) -> float:
        """Return the accuracy."""
        scaled = self.scaler.transform(x).astype(np.float32)
        return float((predict_ensemble(predict_members(self.members, scaled)).argmax(axis=1) == y).mean())


def rivals(seed: int) -> dict[str, Any]:
    """Return the models of the report, unfitted."""
    return {
        "ensemble": TrulySparseEnsembleClassifier(random_state=seed, **BASE),
        "single SET": SparseMLPClassifier(random_state=seed, **BASE),
        "ensemble, paper": TrulySparseEnsembleClassifier(preset="paper", random_state=seed),
        "boosting": hist_gradient_boosting.create(seed),
        "MLPClassifier": make_pipeline(StandardScaler(), sklearn_mlp.create(seed)),
        "dense, tuned": DenseTuned(random_state=seed),
    }


def about(data: Arrays, name: str, seed: int, what: str) -> dict[str, Any]:
    """Return what a line says before anything is measured."""
    half = "development" if name in DEVELOPMENT else "reported"
    return {"dataset": name, "half": half, "seed": seed, "what": what, "part": data.info["partial"] or ""}


def measured(model: Any, x: np.ndarray, y: np.ndarray, x_held: np.ndarray, y_held: np.ndarray) -> dict[str, Any]:
    """Fit and score; return accuracy in percent and CPU seconds of the fit, or the error."""
    started = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(x, y)
    except ValueError as error:
        return {"error": str(error)}
    seconds = time.process_time() - started
    found = {"accuracy": f"{100 * model.score(x_held, y_held):.4f}", "seconds": f"{seconds:.4f}", "rows": len(y)}
    if hasattr(model, "predict_proba"):
        found["log_loss"] = f"{log_loss(y_held, model.predict_proba(x_held), labels=model.classes_):.5f}"
    return found


def warm_up() -> None:
    """Compile the kernels of every batch size, so that no fit pays for it."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(400, 5)).astype(np.float32), rng.integers(0, 2, 400)
    for batch in (32, 64, 128):
        TrulySparseEnsembleClassifier(hidden_layer_sizes=(20, 20), members=2, batch_size=batch).fit(x, y).predict(x)
    TrulySparseEnsembleClassifier(
        preset="paper", hidden_layer_sizes=(20, 20), exploration_epochs=2, member_epochs=2
    ).fit(x, y)
    hist_gradient_boosting.create(0).fit(x, y)
    DenseTuned(0).fit(x, y)


def search(
    lines: Lines, tried: list[dict[str, Any]], names: list[str], seeds: list[int], folder: str, rows: int | None = None
) -> None:
    """Try the base and changes of it, one by one, so that a stopped search has judged some on every dataset.

    So many of the `rows` are trained on, drawn by the seed; by default all.
    """
    for settings, name, seed in itertools.product([{}, *tried], names, seeds):
        if name not in DEVELOPMENT:
            raise SystemExit(f"{name} is of the reported half; settings are not tried on it")
        data = dataset(name, folder, seed)
        kind = SparseMLPClassifier if "network" in settings else TrulySparseEnsembleClassifier
        given = {key: value for key, value in (BASE | settings).items() if key != "network"}
        model = kind(random_state=seed).set_params(**given)
        held = data.x_validation, data.y_validation
        some = np.random.default_rng(seed).permutation(len(data.y_train))[:rows]
        x, y = (data.x_train, data.y_train) if rows is None else (data.x_train[some], data.y_train[some])
        fit = (model, x, y, *held)
        lines.compute(about(data, name, seed, json.dumps(settings)), lambda fit=fit: measured(*fit))


def report(lines: Lines, names: list[str], seeds: list[int], models: list[str], folder: str) -> None:
    """Fit every model on training and validation rows together, and score the test rows."""
    for seed, name in itertools.product(seeds, names):
        data = dataset(name, folder, seed)
        x, y = np.concatenate((data.x_train, data.x_validation)), np.concatenate((data.y_train, data.y_validation))
        for what in models:
            fit = (rivals(seed)[what], x, y, data.x_test, data.y_test)
            lines.compute(about(data, name, seed, what), lambda fit=fit: measured(*fit))


def main() -> None:
    """Run one command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("search", "presets", "few", "report", "table"))
    parser.add_argument("--datasets", nargs="+", help="default: the development half, or for report all")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--data", default="data", help="folder of the prepared datasets (default: data)")
    parser.add_argument("--models", nargs="+", choices=list(rivals(0)), help="of the report (default: all)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the CSV files and the table")
    arguments = parser.parse_args()
    searched = Lines(arguments.results / "defaults_search.csv", COLUMNS, KEY)
    stepped = Lines(arguments.results / "defaults_presets.csv", (*COLUMNS, "log_loss"), KEY)
    few = Lines(arguments.results / "defaults_few.csv", (*COLUMNS, "log_loss"), KEY)
    reported = Lines(arguments.results / "defaults_report.csv", COLUMNS, KEY)
    if arguments.command != "table":
        warm_up()
    if arguments.command == "search":
        tried = [{name: value} for name, values in CHANGES.items() for value in values]
        search(searched, tried, arguments.datasets or list(DEVELOPMENT), arguments.seeds, arguments.data)
    elif arguments.command == "presets":
        search(stepped, STEPS, arguments.datasets or list(DEVELOPMENT), arguments.seeds, arguments.data)
    elif arguments.command == "few":
        tabular = [name for name in DEVELOPMENT if name != "gesture"]
        search(few, FEW, arguments.datasets or tabular, arguments.seeds, arguments.data, FEW_ROWS)
    elif arguments.command == "report":
        models = arguments.models or list(rivals(0))
        report(reported, arguments.datasets or [*DEVELOPMENT, *REPORTED], arguments.seeds, models, arguments.data)
    rows = [lines.rows for lines in (reported, searched, stepped, few)]
    write_text(arguments.results / "defaults.md", page(*rows, list(rivals(0))))


if __name__ == "__main__":
    main()
