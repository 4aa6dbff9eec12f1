"""Golden runs: today's sources give the committed digests."""

import pytest

from truly_sparse.golden.cases import cases
from truly_sparse.golden.check import committed, differences

CASES = cases()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_golden_run_gives_the_committed_digests(case):
    assert differences([case]) == []


def test_the_committed_cases_are_those_that_run():
    assert {name: entry["features"] for name, entry in committed()["cases"].items()} == {
        case.name: sorted(case.features) for case in CASES
    }
