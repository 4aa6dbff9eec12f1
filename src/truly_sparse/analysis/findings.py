"""Sentences about what was measured, each worked out from the records."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.names import dataset_title, method_title, split_setting
from truly_sparse.experiments.grid import RunSpec
from truly_sparse.experiments.records import Record, path_of


def findings(frame: pd.DataFrame, records: Sequence[Record], absent: Sequence[RunSpec]) -> list[str]:
    """Return sentences on accuracy, operations, time and irregular runs.

    Parameters
    ----------
    frame : DataFrame
        A tidy Table 1.
    records, absent : sequences
        Finished and unfinished runs.
    """
    return [*_accuracy(frame), *_operations(frame), *_time(frame), *_places(records), *_irregular(records, absent)]


def _both(frame: pd.DataFrame, metric: str) -> pd.DataFrame:
    rows = frame[frame["metric"] == metric]
    return rows[rows["value"].notna() & rows["published"].notna()].astype({"value": float, "published": float})


def _row_name(row: pd.Series) -> str:
    lambda_, others = split_setting(row["setting"])
    epsilon = "" if pd.isna(row["epsilon"]) else f"ε {row['epsilon']:g}"
    words = [epsilon, f"λ {lambda_}" if lambda_ else "", others]
    return ", ".join(filter(None, [f"{method_title(row['method'])} on {dataset_title(row['dataset'])}", *words]))


def _accuracy(frame: pd.DataFrame) -> list[str]:
    rows = _both(frame, "test_accuracy")
    if rows.empty:
        return ["The sources print no accuracy for any row of this preset, so there is nothing to compare."]
    gaps = (rows["value"] - rows["published"]).astype(float)
    largest = rows.loc[gaps.abs().idxmax()]
    higher, lower = int((gaps > 0).sum()), int((gaps < 0).sum())
    return [
        f"Of {len(rows)} rows with a published accuracy, {higher} came out higher and {lower} lower. The mean "
        f"absolute difference is {formats.spread(gaps.abs().mean(), None)} points; the largest is "
        f"{formats.difference(gaps[gaps.abs().idxmax()])} points ({_row_name(largest)})."
    ]


def _operations(frame: pd.DataFrame) -> list[str]:
    rows = _both(frame, "training_operations")
    return [
        f"{_row_name(row)}: {formats.scientific(row['published'])} operations published, "
        f"{formats.scientific(row['value'])} counted here ({formats.ratio(row['value'] / row['published'])})."
        for _, row in rows.iterrows()
    ]


def _time(frame: pd.DataFrame) -> list[str]:
    rows = _both(frame, "train_time")
    rows = rows[rows["value"] > 0]
    if rows.empty:
        return []
    ratios = (rows["published"] / rows["value"]).astype(float)
    return [
        f"The published minutes are between {ratios.min():.1f} and {ratios.max():.1f} times the CPU minutes here, over "
        f"{len(rows)} rows; machine and code both differ, so this is no measure of either alone."
    ]


def _places(records: Sequence[Record]) -> list[str]:
    """Say which methods ran out of places that were not blocked, and filled the rest from all free ones."""
    filled: Counter[str] = Counter()
    runs: Counter[str] = Counter()
    for record in records:
        if record.get("blocked_fallbacks"):
            filled[record["method"]] += record["blocked_fallbacks"]
            runs[record["method"]] += 1
    return [
        f"{method_title(method)} ran out of places that were not blocked in {runs[method]} runs and put "
        f"{filled[method]:,} links, over all of them, on blocked places."
        for method in filled
    ]


def _irregular(records: Sequence[Record], absent: Sequence[RunSpec]) -> list[str]:
    sentences = []
    diverged = [path_of(record) for record in records if record["status"] != "ok"]
    if diverged:
        sentences.append(f"{len(diverged)} runs diverged and are in no mean: {', '.join(diverged)}.")
    if absent:
        sentences.append(f"{len(absent)} runs of the grid have not finished; the tables name them in their notes.")
    return sentences or ["Every run of the grid finished and none diverged."]
