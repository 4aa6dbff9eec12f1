"""The estimators' presets: the paper's is the paper's configuration, and batches fit the rows."""

from pathlib import Path

import pytest
import yaml

from truly_sparse.estimators.presets import BEST, PAPER, batch_size

ROOT = Path(__file__).parents[2]


def test_the_paper_s_preset_is_the_paper_s_configuration():
    training = yaml.safe_load((ROOT / "config/journal.yaml").read_text())["training"]
    mine = PAPER | {"hidden_layer_sizes": [*PAPER["hidden_layer_sizes"]]}
    assert {name: mine[name] for name in training} == training
    assert PAPER["exploration_epochs"] + PAPER["members"] * PAPER["member_epochs"] == training["epochs"]
    assert PAPER.keys() == BEST.keys()


@pytest.mark.parametrize(
    ("wanted", "rows", "batch"), [("auto", 20, 20), ("auto", 1000, 32), ("auto", 9000, 128), (500, 60, 60)]
)
def test_batches_fit_the_rows(wanted, rows, batch):
    assert batch_size(wanted, rows) == batch
