"""Rules about how members differ: the printed verdicts on the printed numbers, and both verdicts on made-up ones."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from truly_sparse.analysis.evidence import Evidence
from truly_sparse.analysis.judging import CONFIRMED, NOT_CONFIRMED, NOT_TESTED, judge
from truly_sparse.studies.whitaker.verdicts import diversity
from truly_sparse.studies.whitaker.verdicts.comparing import PRINTED, RUNS, printed_numbers
from truly_sparse.studies.whitaker.verdicts.diversity import CHILDREN, DISTANCES, RUNS_OF, SALIENCY, SNAPSHOTS

from .made_up import frame

CLAIMS = list(diversity.claims())
SPREAD = (-1e-4, 0.0, 1e-4)


def judged(rows: list[dict[str, Any]], maps: pd.DataFrame | None = None) -> pd.DataFrame:
    frames = {RUNS: frame(rows, SPREAD), PRINTED: printed_numbers()}
    return judge(CLAIMS, Evidence(frames | ({} if maps is None else {SALIENCY: maps}))).set_index("claim")


def as_printed() -> list[dict[str, Any]]:
    """Return runs with the numbers of Table 7.1, and of figure 7.1's matrices and summary."""
    printed = printed_numbers()
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in printed[printed["table"] == "whitaker_table7_1"].to_dict("records"):
        own = found.setdefault(("table", row["method"]), {"dataset": "table", "method": row["method"]})
        own[row["metric"]] = row["published"]
    summary = printed[printed["table"] == "whitaker_figure7_1_summary"]
    evidence = Evidence({PRINTED: printed})
    for method, own in summary.groupby("method", sort=False):
        accuracy = 100 * float(own.loc[own["metric"] == "test_accuracy", "published"].iloc[0])
        numbers = {"accuracy": accuracy, "output_correlation": diversity.off_diagonal(evidence, str(method))}
        found["figure", str(method)] = {"dataset": "figure", "method": method, **numbers}
    return [{**RUNS_OF, **row} for row in found.values()]


def maps(gap: float, overlap: float) -> pd.DataFrame:
    """Return a measurement in which two children's maps lie further apart by a part `gap`."""
    rows = []
    for seed in range(4):
        for method, more in ((SNAPSHOTS, 1.0), (CHILDREN, 1 + gap)):
            distances = dict.fromkeys(DISTANCES, (10 + 0.01 * seed) * more)
            head = {"dataset": "fashion_mnist", "method": method, "seed": seed}
            rows.append({**head, **distances, "error_overlap": 0.5 - (overlap if method == CHILDREN else 0)})
    return pd.DataFrame(rows)


def test_printed_correlations_off_the_diagonal():
    evidence = Evidence({PRINTED: printed_numbers()})
    found = [diversity.off_diagonal(evidence, method) for method in ("sse_r", "sse_np", "sse_np_bag")]
    np.testing.assert_allclose(found, [0.881, 0.866, 0.847], atol=5e-4)


def test_table_7_1_and_figure_7_1_as_printed():
    found = judged(as_printed(), maps(0.1, 0.1))
    names = [name for name in found.index if name not in ("d4/disagreement", "d7/features")]
    assert set(found.loc[names, "verdict"]) == {CONFIRMED}
    own = found.loc[[name for name in names if name.startswith(("d1", "d2", "d3"))]]
    assert len(own) == 6
    np.testing.assert_allclose(own["value"].astype(float), own["published"].astype(float), atol=1e-4)
    assert found.loc["d1/snapshot", "printed"] == "+0.002"
    assert found.loc["d4/accuracy", "published"] == pytest.approx(0.005)
    assert found.loc[["d4/disagreement", "d7/features"], "verdict"].tolist() == [NOT_TESTED] * 2


def test_the_other_way_round():
    swapped = {"sse_np": "snapshot", "snapshot": "sse_np", "sse_np_bag": "sse_r", "sse_r": "sse_np_bag"}
    rows = [row | {"method": swapped.get(row["method"], row["method"])} for row in as_printed()]
    rows += [
        {**RUNS_OF, "dataset": "a", "method": method, "disagreement": value, "output_correlation": 0.9 + value,
         "accuracy": 80 + 10 * value, "kl_divergence": 0.1}
        for method, value in (("sse_np", 0.3), ("sse_r", 0.01), ("sse_np_bag", 0.02))
    ]  # fmt: skip
    found = judged(rows, maps(-0.1, -0.1))["verdict"]
    names = ["d1/snapshot", "d2/snapshot", "d3/sse_np", "d4/disagreement", *(f"d5/{name}" for name in DISTANCES)]
    assert set(found[[*names, "d6/errors"]]) == {NOT_CONFIRMED}


def test_without_runs_nothing_is_tested():
    found = judge(CLAIMS, Evidence({PRINTED: printed_numbers()}))
    assert set(found["verdict"]) == {NOT_TESTED}
