"""Sentences about Table 1, each worked out from its records."""

import re
from collections import Counter
from collections.abc import Sequence

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.names import dataset_title, method_title, split_setting
from truly_sparse.analysis.rounding import differences
from truly_sparse.experiments.grid import RunSpec
from truly_sparse.experiments.records import Record

_KEYS = ["dataset", "method", "setting"]


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


def _row_name(dataset: str, method: str, setting: str) -> str:
    lambda_, others = split_setting(setting)
    epsilon = re.match(r"eps([^_]+)", setting)
    words = [f"ε {epsilon[1]}" if epsilon else "", f"λ {lambda_}" if lambda_ else "", others]
    return ", ".join(filter(None, [f"{method_title(method)} on {dataset_title(dataset)}", *words]))


def _accuracy(frame: pd.DataFrame) -> list[str]:
    rows = _both(frame, "test_accuracy")
    if rows.empty:
        return ["The sources print no accuracy for any row of this preset, so there is nothing to compare."]
    gaps = differences(rows)
    place = int(gaps.abs().to_numpy().argmax())
    largest = rows.iloc[place]
    higher, lower = int((gaps > 0).sum()), int((gaps < 0).sum())
    return [
        f"Of {len(rows)} rows with a published accuracy, {higher} came out higher and {lower} lower. The mean "
        f"absolute difference is {formats.spread(gaps.abs().mean(), None)} points; the largest is "
        f"{formats.difference(float(gaps.iloc[place]))} points ({_row_name(*largest[_KEYS])})."
    ]


def _operations(frame: pd.DataFrame) -> list[str]:
    rows = _both(frame, "training_operations")
    return [
        f"{_row_name(*row[_KEYS])}: {formats.scientific(row['published'])} operations published, "
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
    diverged = [record for record in records if record["status"] != "ok"]
    if diverged:
        listed = "; ".join(
            f"{_row_name(*(record[key] for key in _KEYS))}, seed {record['seed']}" for record in diverged
        )
        sentences.append(f"Diverged runs, which are in no mean: {listed}.")
    if absent:
        sentences.append(f"Runs of Table 1 that have not finished: {len(absent)}; the notes under it name them.")
    return sentences or ["Every run of Table 1 finished and none diverged."]
