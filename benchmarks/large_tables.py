"""Tables larger than memory: seconds, peak memory and disk of `truly-sparse fit --stream`, by rows and kind of table.

    python benchmarks/large_tables.py [--rows 1e7]     # half an hour; writes benchmarks/results/large_tables.json

The tables are made up, as wide as HIGGS (28 columns, two classes), in Parquet: of float32 alone, and of float64 with
gaps and a column of text. Each is fitted by a process of its own, one network for one epoch; reading, quantiles and
prediction of all rows are counted, too. Up to `IN_MEMORY` rows, the same is done without `--stream`.
"""

import single_core  # noqa: F401, I001

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import columns
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from truly_sparse.files import write_json
from truly_sparse.measure import host

RESULTS = Path(__file__).parent / "results/large_tables.json"
COLUMNS, PIECE, IN_MEMORY = 28, 250_000, 1_000_000
KINDS = ("float32", "float64, gaps and text")
FIT = ("--target", "y", "--method", "set", "--set", "epochs=1", "--quiet", "--json")


def make(path: Path, rows: int, kind: str) -> None:
    """Write a table, a piece at a time."""
    rng = np.random.default_rng(0)
    slopes = rng.normal(size=COLUMNS)
    writer = None
    for start in range(0, rows, PIECE):
        some = min(PIECE, rows - start)
        x = rng.normal(size=(some, COLUMNS))
        y = x @ slopes + 2 * x[:, 0] * x[:, 1] + rng.normal(size=some) > 0
        x[:, 8:12], x[:, 20:] = np.round(x[:, 8:12], 1), np.exp(x[:, 20:])
        table: dict[str, Any] = {f"x{place}": own for place, own in enumerate(x.astype(np.float32).T)}
        if kind != KINDS[0]:
            table = {name: own.astype(np.float64) for name, own in table.items()}
            for name in ("x3", "x21"):
                table[name][rng.random(some) < 0.1] = np.nan
            table["x27"] = np.array(["jet", "lepton", "b-tag", None], object)[rng.integers(0, 4, some)]
        made = pa.table({**table, "y": y.astype(np.int64)})
        writer = writer or pq.ParquetWriter(path, made.schema)
        writer.write_table(made)
    assert writer is not None
    writer.close()


def measured(table: Path, more: tuple[str, ...]) -> dict[str, Any]:
    """Return CPU and wall seconds and peak memory of a fit, and what it says."""
    command = [sys.executable, "-m", "truly_sparse", "fit", table, "--output", table.with_suffix(".npz"), *FIT, *more]
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
        "own = resource.getrusage(resource.RUSAGE_CHILDREN); print(own.ru_utime, own.ru_stime, own.ru_maxrss)"
    )
    started = time.perf_counter()
    out = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=True).stdout
    said, numbers = json.loads(out.splitlines()[0]), [float(number) for number in out.splitlines()[1].split()]
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "cpu_seconds": numbers[0] + numbers[1],
        "seconds": time.perf_counter() - started,
        "peak_bytes": int(numbers[2] * unit),
        "accuracy": said["training_accuracy"],
    }


def measure(rows: int, folder: Path) -> list[dict[str, Any]]:
    """Return a row for each kind of table and way to fit it."""
    found = []
    for kind in KINDS:
        table = folder / "table.parquet"
        make(table, rows, kind)
        for way, more in (("in pieces", ("--stream",)), ("in memory", ())):
            if more or rows <= IN_MEMORY:
                own = measured(table, more)
                found.append({"kind": kind, "rows": rows, "way": way, "file_bytes": table.stat().st_size, **own})
                print(found[-1], file=sys.stderr)
        table.unlink()
    return found


def markdown(found: dict[str, Any]) -> str:
    """Return the rows as Markdown."""
    head = ["table", "rows", "fit", "peak memory, GB", "Parquet, GB", "CPU seconds", "accuracy"]
    rows = [
        [
            row["kind"],
            f"{row['rows']:,}",
            row["way"],
            f"{row['peak_bytes'] / 1e9:.2f}",
            f"{row['file_bytes'] / 1e9:.2f}",
            f"{row['cpu_seconds']:.0f}",
            f"{row['accuracy']:.4f}",
        ]
        for row in found["tables"]
    ]
    about = (
        f"`truly-sparse fit` of one network for one epoch, on made tables of {COLUMNS} columns and two classes "
        f"({found['processor']}). Peak memory is what the whole process had resident, libraries included."
    )
    return f"{about}\n\n{columns.markdown(head, rows)}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=float, nargs="+", default=[1e6, 1e7], help="rows of the tables (1e6 1e7)")
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix="large_tables.") as place:
        rows = [row for count in parser.parse_args().rows for row in measure(int(count), Path(place))]
    write_json(RESULTS, {"processor": host.processor(), "tables": rows})
