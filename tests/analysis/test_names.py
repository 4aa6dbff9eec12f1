"""How methods are called: by their own name, or as another one with what is different."""

import pytest

from truly_sparse.analysis.names import method_title


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
