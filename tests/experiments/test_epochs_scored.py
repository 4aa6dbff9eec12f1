"""What a record says of the scores over epochs: the best, the last and the mean of the last planned tenth."""

import math

import numpy as np
import pytest

from .test_parents import fit, spec_of


@pytest.mark.parametrize(("epochs", "patience"), [(24, 0), (11, 0), (9, 0), (40, 2)])
def test_scores_are_those_of_the_history(tmp_path, epochs, patience):
    training = {"epochs": epochs, "exploration_epochs": epochs, "patience": patience, "selection": "best_validation"}
    model, _ = fit(spec_of("none", members=1, **training), tmp_path / "run")
    history = [row["validation_accuracy"] for row in model.trainer.progress.history]
    found = model.scores()
    assert found["epochs"] == len(history) == (epochs if not patience else found["epochs"])
    assert (len(history) < epochs) == bool(patience)
    assert found["best"] == max(history) >= found["last"] == history[-1]
    planned = math.ceil(epochs / 10)
    assert found["last_tenth"] == pytest.approx(np.mean(history[-planned:]), abs=1e-12)
    assert planned == {24: 3, 11: 2, 9: 1, 40: 4}[epochs]
    assert min(history[-planned:]) <= found["last_tenth"] <= max(history[-planned:]) <= found["best"]
