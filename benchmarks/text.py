"""Sparse rows: text beside peers, and a million features with a hundred million non-zeros.

    python benchmarks/text.py [--rows 1000000]

The texts are the docstrings of installed packages, and what is to be found is the package, whose names are taken out of
them; whole files are held out. Each model learns in a process of its own, on one core: accuracy, CPU seconds of `fit`
and the most memory that it took beyond what there was before (Linux). The result is benchmarks/results/text.json.
"""

import single_core  # noqa: F401, I001

import argparse
import ast
import gc
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
import time
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import columns
import numpy as np
from scipy import sparse

from truly_sparse import SparseMLPClassifier, TrulySparseEnsembleClassifier
from truly_sparse.files import write_json

RESULT = Path(__file__).parent / "results/text.json"
PACKAGES = ("matplotlib", "narwhals", "numba", "numpy", "pandas", "polars", "scipy", "sklearn")
NAMES = re.compile(rf"\b({'|'.join(PACKAGES)}|mpl|nw|jit|njit|np|pd|pl|plt|pyplot|scikit|sp)\b", re.IGNORECASE)
#: Words of a text, at least.
WORDS = 20
#: The made rows: features, non-zeros of each, and how often one of these tells its class.
FEATURES, NON_ZEROS, TELLS = 1_000_000, 100, 0.55
#: Of PyTorch's perceptron.
HIDDEN, EPOCHS, BATCH = 200, 10, 128

Split = tuple[Any, np.ndarray, Any, np.ndarray]


def docstrings() -> Iterator[tuple[str, str, str]]:
    """Yield text, package and file of every docstring with words enough, each text once."""
    known = set()
    for package in PACKAGES:
        found = importlib.util.find_spec(package)
        if found is None or not found.submodule_search_locations:
            continue
        root = Path(found.submodule_search_locations[0])
        for path in sorted(root.rglob("*.py")):
            try:
                tree = ast.parse(path.read_text("utf-8"))
            except (SyntaxError, UnicodeDecodeError):  # templates, and files that show what is refused
                continue
            for node in ast.walk(tree):
                if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    text = ast.get_docstring(node)
                    if text and len(text.split()) >= WORDS and text not in known:
                        known.add(text)
                        yield NAMES.sub(" ", text), package, path.relative_to(root.parent).as_posix()


def texts() -> Split:
    """Return rows and packages of the texts to learn from, and of those of every fourth file or so."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    every, packages, files = (list(part) for part in zip(*docstrings(), strict=True))
    test = np.array([zlib.crc32(name.encode()) % 4 == 0 for name in files])
    words = TfidfVectorizer(sublinear_tf=True, min_df=2, dtype=np.float32)
    learned = words.fit_transform([text for text, held in zip(every, test, strict=True) if not held])
    held_out = words.transform([text for text, held in zip(every, test, strict=True) if held])
    numbers = np.unique(packages, return_inverse=True)[1]
    return learned, numbers[~test], held_out, numbers[test]


def made(rows: int) -> Split:
    """Return rows whose features, frequent ones first, are odd or even as their class is a little more often."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, rows)
    places = np.empty((rows, NON_ZEROS), np.int32)
    for first in range(0, rows, 10_000):
        part = slice(first, first + 10_000)
        pairs = (rng.random((len(y[part]), NON_ZEROS)) ** 3 * (FEATURES // 2)).astype(np.int32)
        odd = (rng.random(pairs.shape) < TELLS) == y[part, None]
        places[part] = np.sort(2 * pairs + odd, axis=1)
    ends = np.arange(0, places.size + 1, NON_ZEROS)
    x = sparse.csr_array((np.ones(places.size, np.float32), places.ravel(), ends), shape=(rows, FEATURES))
    x.sum_duplicates()
    test = rows // 50
    return x[test:], y[test:], x[:test], y[:test]


class Perceptron:
    """PyTorch's: dense weights, Adam, and dropout as ours has it; batches are made dense one at a time."""

    def __init__(self) -> None:
        import torch

        self.torch = torch
        torch.set_num_threads(1)
        torch.manual_seed(0)

    def fit(self, x: Any, y: np.ndarray) -> None:
        """Learn for as many epochs as all have."""
        torch, rng = self.torch, np.random.default_rng(0)
        sizes, drop = (x.shape[1], HIDDEN, HIDDEN, int(y.max()) + 1), 0.35
        layers: list[Any] = []
        for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True):
            layers += [torch.nn.Linear(n_in, n_out), torch.nn.ReLU(), torch.nn.Dropout(drop)]
        self.model = torch.nn.Sequential(*layers[:-2])
        optimiser, loss = torch.optim.Adam(self.model.parameters()), torch.nn.CrossEntropyLoss()
        for _ in range(EPOCHS):
            for rows in np.array_split(rng.permutation(len(y)), len(y) // BATCH):
                optimiser.zero_grad()
                loss(self.model(torch.from_numpy(x[rows].toarray())), torch.from_numpy(y[rows])).backward()
                optimiser.step()

    def score(self, x: Any, y: np.ndarray) -> float:
        """Return the accuracy."""
        self.model.eval()
        with self.torch.inference_mode():
            parts = [self.model(self.torch.from_numpy(x[k : k + BATCH].toarray())) for k in range(0, len(y), BATCH)]
        return float((self.torch.cat(parts).argmax(1).numpy() == y).mean())


def logistic() -> Any:
    """Return scikit-learn's logistic regression, with the penalty that is best here of 1, 10 and 100."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=10, max_iter=1000)


def svc() -> Any:
    """Return scikit-learn's linear support vector machine."""
    from sklearn.svm import LinearSVC

    return LinearSVC()


def boosting() -> Any:
    """Return LightGBM."""
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_jobs=1, verbose=-1)


MODELS: dict[str, Callable[[], Any]] = {
    "truly sparse (ours), one network": SparseMLPClassifier,
    "truly sparse (ours), five members": TrulySparseEnsembleClassifier,
    "truly sparse (ours), five independent ones": lambda: TrulySparseEnsembleClassifier("independent"),
    "LogisticRegression": logistic,
    "LinearSVC": svc,
    "LightGBM": boosting,
    f"PyTorch, dense {HIDDEN}-{HIDDEN}": Perceptron,
}
LARGE = "large"


def memory(name: str) -> int:
    """Return a number of bytes from this process's status: VmRSS, what it has, or VmHWM, the most that it had."""
    found = re.search(rf"^{name}:\s+(\d+) kB$", Path("/proc/self/status").read_text("ascii"), re.MULTILINE)
    assert found
    return 1024 * int(found[1])


def measured(call: Callable[[], Any]) -> dict[str, Any]:
    """Return the CPU seconds of a call, bytes that the process had before, and the most that it had beyond them."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # the most so far is what there is now
    before, start = memory("VmRSS"), time.process_time()
    call()
    return {
        "fit_seconds": time.process_time() - start,
        "bytes_before": before,
        "bytes": max(0, memory("VmHWM") - before),
    }


def alone(name: str, split: Split) -> dict[str, Any]:
    """Return what a model takes and gives; called in a process of its own."""
    x, y, x_test, y_test = split
    model = MODELS[name]()
    if isinstance(model, SparseMLPClassifier | TrulySparseEnsembleClassifier):
        few = type(model)(**model.get_params()).set_params(batch_size=128)
        few.fit(x[::50], y[::50])  # compiles
    fit = measured(lambda: model.fit(x, y))
    start = time.process_time()
    accuracy = float(model.score(x_test, y_test))
    return {"model": name, "accuracy": accuracy, "score_seconds": time.process_time() - start} | fit


def large(rows: int) -> dict[str, Any]:
    """Return what an epoch on the made rows takes; called in a process of its own."""
    x, y, x_test, y_test = made(rows)
    model = SparseMLPClassifier(hidden_layer_sizes=(100,), epochs=1, batch_size=512)
    model.fit(x[:2048], y[:2048])  # compiles
    fit = measured(lambda: model.fit(x, y))
    some = x_test[:10_000]
    start = time.process_time()
    model.predict_proba(some)
    predicted = time.process_time() - start
    return {
        "rows": x.shape[0],
        "features": x.shape[1],
        "non_zeros": int(x.nnz),
        "links": sum(model.members_[0].link_counts),
        "accuracy": float(model.score(x_test, y_test)),
        "predicted_rows": some.shape[0],
        "predict_seconds": predicted,
        "given_bytes": sum(part.nbytes for part in (x.data, x.indices, x.indptr)),
    } | fit


def _started(*arguments: object) -> dict[str, Any] | None:
    """Return what this file gives in another process; None where a package is missing."""
    command = [sys.executable, __file__, *map(str, arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if "ModuleNotFoundError" in done.stderr:
        return None
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(rows: int) -> dict[str, Any]:
    """Return what all models take and give on the texts, and ours on the made rows."""
    x, y, x_test, y_test = texts()
    with tempfile.TemporaryDirectory() as folder:
        for name, part in (("x", x), ("x_test", x_test)):
            sparse.save_npz(f"{folder}/{name}.npz", part)
        np.savez(f"{folder}/y.npz", y=y, y_test=y_test)
        found = {name: _started("--model", name, "--folder", folder) for name in MODELS}
    return {
        "texts": {"rows": x.shape[0], "test": x_test.shape[0], "features": x.shape[1], "non_zeros": int(x.nnz)},
        "models": [one for one in found.values() if one is not None],
        "missing": [name for name, one in found.items() if one is None],
        "large": _started("--large", "--rows", rows),
    }


def markdown(found: dict[str, Any]) -> str:
    """Return the tables of both."""
    about, own = found["texts"], found["large"]
    rows = [
        [one["model"], f"{one['accuracy']:.4f}", f"{one['fit_seconds']:.1f}", f"{one['bytes'] / 1e6:.0f}"]
        for one in found["models"]
    ]
    missing = f" Not installed: {', '.join(found['missing'])}." if found["missing"] else ""
    return (
        f"Which of {len(PACKAGES)} packages a docstring is from, their names taken out: TF-IDF, {about['rows']:,} "
        f"texts of {about['features']:,} words with {about['non_zeros'] / about['rows']:.0f} each, "
        f"{about['test']:,} of other files to predict. CPU seconds of a fit, compiled before, and the memory it adds."
        f"{missing}\n\n"
        f"{columns.markdown(['model', 'accuracy', 'fit, s', 'memory, MB'], rows)}\n\n"
        f"Made rows: {own['rows']:,} of {own['features']:,} features, {own['non_zeros'] / 1e6:.0f} million non-zeros, "
        f"one network of {own['links'] / 1e6:.1f} million links, one epoch in batches of 512: "
        f"{own['fit_seconds']:.0f} CPU seconds. The rows given are {own['given_bytes'] / 1e9:.1f} GB; the fit takes "
        f"{own['bytes'] / 1e9:.1f} GB beside them at most, which is {own['bytes'] / own['non_zeros']:.0f} bytes for "
        f"each non-zero. {own['predicted_rows']:,} rows are predicted in {own['predict_seconds']:.2f} s; accuracy "
        f"{own['accuracy']:.3f}."
    )


def main() -> None:
    """Measure all, or in a process of its own one part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="made rows (default 1000000)")
    parser.add_argument("--model", choices=MODELS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--large", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    if arguments.large:
        print(json.dumps(large(arguments.rows)))
    elif arguments.model:
        x, x_test = (sparse.load_npz(f"{arguments.folder}/{name}.npz") for name in ("x", "x_test"))
        with np.load(f"{arguments.folder}/y.npz") as labels:
            print(json.dumps(alone(arguments.model, (x, labels["y"], x_test, labels["y_test"]))))
    else:
        found = measure(arguments.rows)
        write_json(RESULT, found)
        print(markdown(found))


if __name__ == "__main__":
    main()
