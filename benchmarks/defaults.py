"""How the estimators' defaults were chosen, and where they stand.

    python benchmarks/defaults.py search    # settings on validation rows of the development half, one JSON line each
    python benchmarks/defaults.py report    # defaults and rivals on test rows of every dataset
    python benchmarks/defaults.py table     # both as Markdown: benchmarks/results/defaults.md

Settings are judged on DEVELOPMENT only, by the accuracy on validation rows (a fifth of the training rows, which no fit
sees). REPORTED is never searched. Both commands go on where they were stopped: a line that is there is not computed
again. Prepare the datasets first: `python -m truly_sparse data --all`.
"""

import single_core  # noqa: F401, I001  (before NumPy)

import argparse
import itertools
import json
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from truly_sparse import SparseMLPClassifier, TrulySparseEnsembleClassifier
from truly_sparse.data.arrays import Arrays, load
from truly_sparse.ensembles.trainer import Data, Trainer, predict_ensemble, predict_members
from truly_sparse.estimators.base import FIXED
from truly_sparse.estimators.presets import PAPER
from truly_sparse.files import write_text
from truly_sparse.references import hist_gradient_boosting, sklearn_mlp

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
RESULTS = Path(__file__).parent / "results"

#: Everything is tried alone, as a change of the defaults, and in random combinations.
FACTORS: dict[str, list[Any]] = {
    "preprocessing": ["piecewise_linear", "quantile", "standard"],
    "bins": [8, 16, 32, 64],
    "hidden": [(250, 250), (500, 500), (1000, 1000), (2000, 500), (1000, 1000, 1000), (1000,)],
    "epsilon": [5, 10, 20, 40],
    "start_values": ["he", "xavier", "he_links"],
    "alpha": [0.0, 0.25, 0.5],
    "dropout": [0.0, 0.2, 0.3, 0.4, 0.5],
    "eta": [0.02, 0.05, 0.1],
    "learning_rate": ["cosine", "steps"],
    "decay_times_eta": [True, False],
    "weight_decay": [0.0, 0.0002, 0.002],
    "batch_size": ["auto", 64, 128, 256],
    "members": [1, 3, 5, 10],
    "exploration_epochs": [10, 25, 50, 100],
    "member_epochs": [5, 10, 20, 40],
    "q": [0.5, 0.8, 0.95],
    "method": ["fd_tse", "edst_rg", "independent"],
    "early_stopping": [False, True],
}
COMBINATIONS = 60


def settings_to_try() -> list[dict[str, Any]]:
    """Return the defaults, each change alone, and random combinations of three to six changes."""
    alone = [{name: value} for name, values in FACTORS.items() for value in values]
    rng = np.random.default_rng(0)
    together = []
    for _ in range(COMBINATIONS):
        names = rng.choice(sorted(FACTORS), size=rng.integers(3, 7), replace=False)
        together.append({str(name): FACTORS[name][rng.integers(len(FACTORS[name]))] for name in names})
    return [{}, *alone, *together]


def dataset(name: str, folder: str, seed: int) -> Arrays:
    """Return one split: a fifth for test (Gesture: the authors' rows), and of the rest a fifth for validation."""
    split = "authors" if name == "gesture" else "random"
    settings = {"split": split, "scaling": "none", "test_fraction": 0.2, "validation_fraction": 0.2, "stratify": True}
    if name == "higgs":
        settings["test_fraction"] = 0.3225806
    return load(name, {"folder": folder}, settings, seed)


class DenseTuned:
    """A dense network on standardised rows, the best of four by accuracy on a fifth of the rows.

    The search is that of the experiment `practice`.
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
        base = PAPER | FIXED | {"hidden": [256, 256], "members": 1, "epochs": 100, "exploration_epochs": 50}
        base |= {"refinement": "eta", "activation": "relu", "decay_times_eta": True, "lambda": 1.5}
        trained = []
        for eta, dropout in itertools.product((0.01, 0.05), (0.0, 0.2)):
            trainer = Trainer(data, base | {"eta": eta, "dropout": dropout}, "dense", "none", self.seed)
            trainer.run()
            if trainer.progress.advice is None:
                trained.append(trainer.members)
        self.members = max(trained, key=lambda members: members[0].accuracy or 0.0)
        return self

    def score(self, x: np.ndarray, y: np.ndarray) -> float:
        """Return the accuracy."""
        scaled = self.scaler.transform(x).astype(np.float32)
        return float((predict_ensemble(predict_members(self.members, scaled)).argmax(axis=1) == y).mean())


def rivals(seed: int) -> dict[str, Any]:
    """Return the models of the report, unfitted."""
    return {
        "ensemble": TrulySparseEnsembleClassifier(random_state=seed),
        "single SET": SparseMLPClassifier(random_state=seed),
        "ensemble, paper": TrulySparseEnsembleClassifier(preset="paper", random_state=seed),
        "boosting": hist_gradient_boosting.create(seed),
        "MLPClassifier": make_pipeline(StandardScaler(), sklearn_mlp.create(seed)),
        "dense, tuned": DenseTuned(random_state=seed),
    }


class Lines:
    """A file of JSON lines, each found again by its key."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        self._keys = {self._key(row) for row in self.rows}

    @staticmethod
    def _key(row: dict[str, Any]) -> str:
        return json.dumps([row[name] for name in ("dataset", "seed", "what")], sort_keys=True)

    def compute(self, dataset: str, seed: int, what: Any, result: Any) -> None:
        """Add the line of `result()`, unless it is there."""
        row = {"dataset": dataset, "seed": seed, "what": json.loads(json.dumps(what))}
        if self._key(row) in self._keys:
            return
        row |= result()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as stream:
            stream.write(json.dumps(row) + "\n")
        self.rows.append(row)
        self._keys.add(self._key(row))
        print(dataset, seed, what, {name: round(value, 4) for name, value in row.items() if isinstance(value, float)})


def measured(model: Any, x: np.ndarray, y: np.ndarray, x_held: np.ndarray, y_held: np.ndarray) -> dict[str, Any]:
    """Fit and score; return accuracy and CPU seconds of the fit, or the error."""
    started = time.process_time()
    try:
        model.fit(x, y)
    except ValueError as error:
        return {"error": str(error)}
    seconds = time.process_time() - started
    return {"accuracy": float(model.score(x_held, y_held)), "seconds": seconds, "rows": len(y)}


def warm_up() -> None:
    """Compile the kernels of every storage and tile, so that no fit pays for it."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(400, 5)), rng.integers(0, 2, 400)
    for batch in (32, 64, 128, 256):
        SparseMLPClassifier(hidden=(20,), epochs=2, batch_size=batch).fit(x, y).predict(x)
    DenseTuned(0).fit(x, y)


def search(lines: Lines, names: list[str], seeds: list[int], folder: str) -> None:
    """Try all settings, setting by setting, so that a stopped search has judged some on every dataset."""
    for settings in settings_to_try():
        for name, seed in itertools.product(names, seeds):
            if name not in DEVELOPMENT:
                raise SystemExit(f"{name} is of the reported half; settings are not tried on it")
            data = dataset(name, folder, seed)
            model = TrulySparseEnsembleClassifier(random_state=seed).set_params(**settings)
            held = data.x_validation, data.y_validation
            lines.compute(name, seed, settings, lambda m=model, d=data, h=held: measured(m, d.x_train, d.y_train, *h))


def report(lines: Lines, names: list[str], seeds: list[int], folder: str) -> None:
    """Fit every model on training and validation rows together, and score the test rows."""
    for name, seed in itertools.product(names, seeds):
        data = dataset(name, folder, seed)
        x, y = np.concatenate((data.x_train, data.x_validation)), np.concatenate((data.y_train, data.y_validation))
        for what, model in rivals(seed).items():
            lines.compute(name, seed, what, lambda m=model, x=x, y=y, d=data: measured(m, x, y, d.x_test, d.y_test))


def search_table(rows: list[dict[str, Any]]) -> str:
    """Return the settings by mean gain over the defaults, on the same datasets and seeds, with 95 % intervals."""
    base = {(row["dataset"], row["seed"]): row for row in rows if row["what"] == {}}
    grouped = defaultdict(list)
    for row in rows:
        other = base.get((row["dataset"], row["seed"]))
        if other and "accuracy" in row and "accuracy" in other and row["what"]:
            gain = 100 * (row["accuracy"] - other["accuracy"])
            grouped[json.dumps(row["what"])].append((row["dataset"], gain, row["seconds"] / other["seconds"]))
    lines = [
        "| change of the defaults | gain, points | 95 % over datasets | fit time | datasets |",
        "|---|---|---|---|---|",
    ]
    judged = []
    for what, found in grouped.items():
        gains = by_dataset([(name, gain) for name, gain, _ in found])
        cost = float(np.exp(np.mean([np.log(ratio) for *_, ratio in found])))
        text = ", ".join(f"{name} {value}" for name, value in json.loads(what).items())
        judged.append(
            (gains.mean(), f"| {text} | {gains.mean():+.2f} | {interval(gains)} | {cost:.2f}x | {len(gains)} |")
        )
    return "\n".join([*lines, *(line for _, line in sorted(judged, reverse=True))])


def report_table(rows: list[dict[str, Any]]) -> str:
    """Return test accuracies and fit times by dataset, and what the goals compare."""
    models = list(rivals(0))
    found = defaultdict(list)
    for row in rows:
        if "accuracy" in row:
            found[row["dataset"], row["what"]].append((100 * row["accuracy"], row["seconds"]))
    lines = []
    for half, names in (("Development half", DEVELOPMENT), ("Reported half", REPORTED)):
        lines += [f"### {half}", "", f"| dataset | {' | '.join(models)} |", "|---" * (len(models) + 1) + "|"]
        for name in names:
            cells = [cell(found[name, model]) for model in models]
            if any(found[name, model] for model in models):
                lines.append(f"| {name} | {' | '.join(cells)} |")
        lines += [""]
    lines += ["### The ensemble's defaults against each", ""]
    lines += ["| against | half | points | 95 % over datasets | fit time | datasets |", "|---|---|---|---|---|---|"]
    for model, (half, names) in itertools.product(models[1:], (("development", DEVELOPMENT), ("reported", REPORTED))):
        both = [name for name in names if found[name, "ensemble"] and found[name, model]]
        if both:
            mean = {key: np.mean(found[key], axis=0) for name in both for key in ((name, "ensemble"), (name, model))}
            gains = np.array([mean[name, "ensemble"][0] - mean[name, model][0] for name in both])
            ratios = [mean[name, "ensemble"][1] / mean[name, model][1] for name in both]
            cost = f"{np.exp(np.mean(np.log(ratios))):.1f}x"
            lines.append(f"| {model} | {half} | {gains.mean():+.2f} | {interval(gains)} | {cost} | {len(both)} |")
    return "\n".join(lines)


def cell(values: list[tuple[float, float]]) -> str:
    """Return mean ± deviation over seeds, and CPU seconds."""
    if not values:
        return "–"
    accuracy, seconds = np.array(values).T
    spread = f" ± {accuracy.std(ddof=1):.2f}" if len(accuracy) > 1 else ""
    return f"{accuracy.mean():.2f}{spread} ({seconds.mean():.1f} s)"


def by_dataset(pairs: list[tuple[str, float]]) -> np.ndarray:
    """Return the mean over seeds of every dataset."""
    grouped = defaultdict(list)
    for name, value in pairs:
        grouped[name].append(value)
    return np.array([np.mean(values) for values in grouped.values()])


def interval(values: np.ndarray) -> str:
    """Return the t interval of the mean; datasets are the sample."""
    if len(values) < 2:
        return "–"
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean() - half:+.2f} to {values.mean() + half:+.2f}"


def main() -> None:
    """Run one command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("search", "report", "table"))
    parser.add_argument("--datasets", nargs="+", help="default: the development half, or for report all")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--data", default="data", help="folder of the prepared datasets (default: data)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the JSON lines and the table")
    arguments = parser.parse_args()
    searched = Lines(arguments.results / "defaults_search.jsonl")
    reported = Lines(arguments.results / "defaults_report.jsonl")
    if arguments.command == "search":
        warm_up()
        search(searched, arguments.datasets or list(DEVELOPMENT), arguments.seeds, arguments.data)
    elif arguments.command == "report":
        warm_up()
        report(reported, arguments.datasets or [*DEVELOPMENT, *REPORTED], arguments.seeds, arguments.data)
    text = (
        "# The estimators' defaults\n\nMade by `benchmarks/defaults.py`: accuracies in percent, mean ± deviation over "
        "seeds (CPU seconds of a fit on one core). Intervals take the datasets as the sample.\n\n## Test rows\n\n"
        f"{report_table(reported.rows)}\n\n## Search on validation rows of the development half\n\n"
        f"{search_table(searched.rows)}\n"
    )
    write_text(arguments.results / "defaults.md", text)


if __name__ == "__main__":
    main()
