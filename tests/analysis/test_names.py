"""How methods are called: by their own name, or as another one with what is different."""

import pytest

from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.origin import join, seeds_per_row


@pytest.mark.parametrize(
    ("method", "title"),
    [
        ("sse_np", "Sparse children, parts"),
        ("sse_np_adam", "Sparse children, parts, Adam"),
        ("sse_np_lenet_adam", "Sparse children, parts, LeNet"),
        ("random_annealing_lenet", "Random annealing, LeNet"),
        ("of_ones_own_adam", "of_ones_own_adam"),
        ("adam", "adam"),
    ],
)
def test_a_method_has_a_name(method, title):
    assert method_title(method) == title


@pytest.mark.parametrize(
    ("finished", "said"),
    [
        ({"fd_tse": 2, "edst_rg": 2, "dense": 1, "set_mlp": 3}, "2 (Dense: 1; SET-MLP: 3)"),
        ({"fd_tse": 2, "edst_rg": 2, "rd_tse": 2, "set_mlp_tse": 1, "dense": 1, "set_mlp": 3},
         "2 (Dense; SET-MLP, ensembles' schedule: 1 | SET-MLP: 3)"),
    ],
)  # fmt: skip
def test_names_with_commas_are_told_apart_by_semicolons(finished, said):
    records = [
        {"dataset": "pol", "method": method, "setting": "eps20", "status": "ok"}
        for method, count in finished.items()
        for _ in range(count)
    ]
    assert seeds_per_row(records) == said
    assert join(["a", "b", "a"]) == "a, b"
    assert join(["a, x", "b", ""]) == "a, x; b"
