"""The critical-difference diagram: what is drawn where, read back from the figure."""

import numpy as np
import pandas as pd
import pytest

from truly_sparse.analysis.cd_diagram import draw, groups
from truly_sparse.analysis.style import style

RANKS = pd.Series(
    {"dense": 6.9, "edst_rg": 4.1, "dist_tse": 1.8, "rd_tse": 2.4, "static": 6.5, "fd_tse": 2.3, "x": 4.0}
)


def drawn(ranks=RANKS, critical_difference=2.0):
    with style():
        figure = draw(ranks, critical_difference)
        figure.canvas.draw()
    return figure, figure.axes[0]


def bars(axes):
    return [tuple(line.get_xdata()) for line in axes.lines if str(line.get_gid()).startswith("bar")]


def test_every_method_hangs_from_its_rank_and_is_named():
    _, axes = drawn()
    hung = [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 3]
    assert hung == sorted(RANKS)
    texts = {text.get_text().strip() for text in axes.texts}
    left, right = (
        {"Dist-TSE  1.80", "FD-TSE  2.30", "RD-TSE  2.40"},
        {"6.90  Dense", "6.50  Static sparse", "4.10  EDST_RG"},
    )
    assert left | right | {"x  4.00", "critical difference 2.00"} <= texts


def test_bars_join_what_lies_within_the_critical_difference():
    _, axes = drawn()
    found = bars(axes)
    for (start, stop), (a, b) in zip(found, [(1.8, 2.4), (2.3, 4.1), (6.5, 6.9)], strict=True):
        assert start < a < b < stop
        assert start == pytest.approx(a, abs=0.1)
        assert stop == pytest.approx(b, abs=0.1)
    assert bars(drawn(critical_difference=0.01)[1]) == []
    assert len(bars(drawn(critical_difference=10)[1])) == 1


@pytest.mark.parametrize("methods", [3, 8, 12])
def test_nothing_leaves_the_figure_and_no_two_texts_touch(methods):
    values = pd.DataFrame(
        np.random.default_rng(methods).random((14, methods)),
        columns=[
            "edst_rg",
            "rd_tse",
            "fd_tse",
            "dist_tse",
            "set_mlp",
            "static",
            "dense",
            "dense_ensemble",
            "logistic regression",
            "random forest",
            "gradient boosting",
            "tuned dense MLP",
        ][:methods],
    )
    figure, axes = drawn(values.rank(axis=1).mean(), 2.5)
    boxes = [text.get_window_extent() for text in axes.texts]
    for box in boxes:
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.x1
        assert box.y0 >= 0
        assert box.y1 <= figure.bbox.y1
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[i + 1 :])


def test_groups_of_the_published_example():
    """Demšar (2006), section 3.2.2: at 10 % C4.5 differs from the two variants with m, at 5 % nothing differs."""
    ranks = pd.Series({"C4.5": 3.143, "C4.5+m": 2.000, "C4.5+cf": 2.893, "C4.5+m+cf": 1.964})
    assert groups(ranks, 1.12) == [("C4.5+m+cf", "C4.5+m", "C4.5+cf"), ("C4.5+cf", "C4.5")]
    assert groups(ranks, 1.25) == [("C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5")]
    assert groups(ranks, 0.01) == []


@pytest.mark.parametrize("seed", range(20))
def test_two_methods_share_a_group_exactly_when_they_are_close(seed):
    rng = np.random.default_rng(seed)
    ranks, critical = pd.Series(rng.uniform(1, 8, 7), index=list("abcdefg")), rng.uniform(0.1, 6)
    found = groups(ranks, critical)
    for a in ranks.index:
        for b in ranks.index.drop(a):
            assert any({a, b} <= set(group) for group in found) == (abs(ranks[a] - ranks[b]) <= critical)
    assert not any(set(one) < set(other) for one in found for other in found)
