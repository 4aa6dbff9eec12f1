"""Are the importances that the links give to be trusted? Beside those of permuting a feature's test rows.

    python benchmarks/importances.py [--folder data]    # go on with what is missing, then write importances.md

For each of the 14 tabular sets and seed an ensemble without pairs (`BASE`) is fitted to four fifths of the rows. A
feature's importance by links is its share of the summed absolute values of the input links; by permutation it is what
the log loss of the test rows gains when that feature's column is shuffled, the mean of ten times. Spearman's rank
correlation says whether both order the features alike; beside it stands the same for two seeds of the links alone,
above which no agreement can be asked for, and for the importances of extra trees by impurity, of the same rows. Prepare
the datasets first: `python -m truly_sparse data --all`.
"""

import single_core  # noqa: F401, I001  (before NumPy)

import argparse
import csv
from collections import defaultdict
from pathlib import Path
from statistics import mean

import numpy as np
from defaults_tables import BASE, TABULAR
from lines import write_csv
from scipy.stats import spearmanr
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.inspection import permutation_importance
from splits import dataset

from truly_sparse import TrulySparseEnsembleClassifier
from truly_sparse.files import write_text

RESULTS = Path(__file__).parent / "results"
COLUMNS = ("dataset", "seed", "feature", "links", "permutation", "trees")
SEEDS = (0, 1, 2)
REPEATS, TREES = 10, 200
#: So many of the most important features are compared.
TOP = 3


def measure(name: str, seed: int, folder: str) -> list[dict[str, str]]:
    """Return a row for every feature of a dataset."""
    data = dataset(name, folder, seed)
    x, y = np.concatenate((data.x_train, data.x_validation)), np.concatenate((data.y_train, data.y_validation))
    model = TrulySparseEnsembleClassifier(random_state=seed, **BASE).fit(x, y)
    trees = ExtraTreesClassifier(TREES, min_samples_leaf=5, random_state=seed).fit(x, y)
    shuffled = permutation_importance(
        model, data.x_test, data.y_test, scoring="neg_log_loss", n_repeats=REPEATS, random_state=seed
    )
    found = zip(model.feature_importances_, shuffled.importances_mean, trees.feature_importances_, strict=True)
    about = {"dataset": name, "seed": str(seed)}
    return [
        {
            **about,
            "feature": str(number),
            **{what: f"{value:.6g}" for what, value in zip(COLUMNS[3:], row, strict=True)},
        }
        for number, row in enumerate(found)
    ]


def markdown(rows: list[dict[str, str]]) -> str:
    """Return the rank correlations as Markdown, a line for each dataset, and their means."""
    columns: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for row in rows:
        for what in COLUMNS[3:]:
            columns[row["dataset"], row["seed"], what].append(float(row[what]))
    lines, every = [], []
    for name in dict.fromkeys(row["dataset"] for row in rows):
        seeds = list(dict.fromkeys(row["seed"] for row in rows if row["dataset"] == name))
        own = [[columns[name, seed, what] for what in COLUMNS[3:]] for seed in seeds]
        pairs = [(one, other) for at, one in enumerate(own) for other in own[at + 1 :]]
        every.append(
            (
                mean(_rank(links, permuted) for links, permuted, _ in own),
                mean(_rank(trees, permuted) for _, permuted, trees in own),
                mean(_rank(one[0], other[0]) for one, other in pairs),
                mean(_rank(one[1], other[1]) for one, other in pairs),
                mean(_top(links, permuted) for links, permuted, _ in own),
            )
        )
        lines.append((name, str(len(own[0][0])), *(f"{value:.2f}" for value in every[-1])))
    lines.append(("mean", "", *(f"{mean(column):.2f}" for column in zip(*every, strict=True))))
    heads = ("dataset", "features", "links, permutation", "trees, permutation", "links, two seeds",
             "permutation, two seeds", "of the top three")  # fmt: skip
    table = [heads, ("---",) * len(heads), *lines]
    return (
        "# Importances by links\n\nMade by `benchmarks/importances.py`: Spearman's rank correlation of importances, "
        f"means over {len(SEEDS)} seeds; the last column says which part of the three features that permutation finds "
        "most important are among the three with the strongest links.\n\n"
        + "".join(f"| {' | '.join(line)} |\n" for line in table)
    )


def _rank(one: list[float], other: list[float]) -> float:
    return float(spearmanr(one, other).statistic)


def _top(one: list[float], other: list[float]) -> float:
    first, second = (set(np.argsort(values)[::-1][:TOP]) for values in (one, other))
    return len(first & second) / TOP


def main() -> None:
    """Measure what is missing, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", default="data", help="where the prepared datasets are (data)")
    folder, path = parser.parse_args().folder, RESULTS / "importances.csv"
    rows = list(csv.DictReader(path.open(newline=""))) if path.exists() else []
    done = {(row["dataset"], int(row["seed"])) for row in rows}
    for seed in SEEDS:
        for name in TABULAR:
            if (name, seed) not in done:
                rows += measure(name, seed, folder)
                print(name, seed, flush=True)
                write_csv(path, COLUMNS, rows)
    write_text(RESULTS / "importances.md", markdown(rows))


if __name__ == "__main__":
    main()
