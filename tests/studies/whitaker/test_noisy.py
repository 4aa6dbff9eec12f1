"""Rules about noise: the printed verdicts on the printed numbers, and both verdicts on made-up ones."""

import numpy as np
import pandas as pd
import pytest

from truly_sparse.analysis.evidence import Evidence
from truly_sparse.analysis.judging import CONFIRMED, NOT_CONFIRMED, NOT_TESTED, judge
from truly_sparse.studies.whitaker.verdicts import noisy
from truly_sparse.studies.whitaker.verdicts.comparing import PRINTED, printed_numbers
from truly_sparse.studies.whitaker.verdicts.noisy import NOISE, crossing, disagreement_at, loses, printed_gains

from . import made_up_noise
from .made_up_noise import SPARSITIES, cell

CLAIMS = list(noisy.claims())


def judged(frame: pd.DataFrame, *names: str) -> pd.DataFrame:
    """Judge all claims, or those that are named, on a made-up measurement."""
    claims = [claim for claim in CLAIMS if not names or claim.id in names]
    return judge(claims, Evidence({NOISE: frame, PRINTED: printed_numbers()})).set_index("claim")


def test_noise_that_does_what_it_does_to_second_order():
    found = judged(made_up_noise.frame(sparse=0.5, norm_gain=1.0))
    assert set(found["verdict"]) == {CONFIRMED}
    assert found.loc["n4/onset", "value"] == pytest.approx(0.03, rel=0.7)
    assert found.loc["n6/accuracy", "value"] == pytest.approx(0.2, abs=0.01)
    assert found.loc["n8/chosen", "value"] == pytest.approx(0.1)
    assert found.loc["n9/accuracy", "value"] == pytest.approx(0.25)
    assert "mirrored only 0.50×" in found.loc["n9/accuracy", "note"]


def test_being_weaker_is_all_that_noise_on_fewer_links_does():
    """What holds trivially holds; what would be more does not."""
    names = ["n1/accuracy", "n1/deviation", "n2/norm", "n2/divergence"]
    found = judged(made_up_noise.frame(), *names)["verdict"]
    assert found["n1/accuracy"] == found["n1/deviation"] == CONFIRMED
    assert found["n2/norm"] == found["n2/divergence"] == NOT_CONFIRMED


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("n1/accuracy", {"turned": True}),
        ("n1/deviation", {"turned": True}),
        ("n2/norm", {"norm_gain": -1.0}),
        ("n2/divergence", {"sparse": -0.5}),
        ("n3/line", {"power": 4.0}),
        ("n4/onset", {"free": 10.0}),
        ("n5/strong", {"vote": 0.5}),
        ("n5/steady", {"vote": 0.5}),
        ("n5/weak", {"vote": -200.0}),
        ("n6/accuracy", {"gain": -0.2}),
        ("n6/nll", {"gain": -0.2}),
        ("n6/ece", {"gain": -0.2}),
        ("n7/small", {"gain": 0.8}),
        ("n7/small", {"gain": -0.2}),
        ("n8/chosen", {"chosen": -0.1}),
        ("n9/accuracy", {"calm": 2.0}),
        ("n9/kl_ensemble", {"calm": 2.0}),
    ],
)
def test_the_other_outcome(name, how):
    assert judged(made_up_noise.frame(**how), name).loc[name, "verdict"] == NOT_CONFIRMED


def test_printed_signs():
    evidence = Evidence({PRINTED: printed_numbers()})
    better = {metric: noisy.improved(printed_gains(evidence, metric), metric) for metric in ("accuracy", "nll", "ece")}
    assert better == {"accuracy": 10, "nll": 9, "ece": 8}
    gains = printed_gains(evidence, "accuracy")
    assert (gains.min(), gains.max()) == pytest.approx((0.02, 0.41))


def test_table_4_1_as_printed():
    """Ten networks as ten datasets, each with parents that are alike but for their seed."""
    rows = printed_numbers()
    rows = rows[rows["table"] == "whitaker_table4_1"]
    frame = []
    for network, own in rows.groupby("setting", sort=False):
        number = own.set_index("metric")["published"].astype(float)
        for seed in range(3):
            scores = {name: number[f"ensemble_{name}"] for name in ("accuracy", "nll", "ece")}
            scores |= {f"parent_{name}": number[f"parent_{name}"] for name in ("accuracy", "nll", "ece")}
            frame.append({"dataset": network, "seed": seed, **noisy.SELECTED, **scores})
    found = judged(pd.DataFrame(frame), "n6/accuracy", "n6/nll", "n6/ece", "n7/small")
    assert set(found["verdict"]) == {CONFIRMED}
    assert found["ours"].tolist()[1:3] == found["printed"].tolist()[1:3] == ["9 of 10", "8 of 10"]
    assert "above 0 on 10 of 10" in found.loc["n6/accuracy", "note"]
    np.testing.assert_allclose(found["value"].astype(float), found["published"].astype(float), atol=1e-6)


def test_without_a_measurement_nothing_is_tested():
    frame = judge(CLAIMS, Evidence({PRINTED: printed_numbers()}))
    assert set(frame["verdict"]) == {NOT_TESTED}


def test_one_parent_is_too_few_for_an_interval():
    frame = made_up_noise.frame()
    names = ["n1/deviation", "n2/norm", "n2/divergence", "n5/strong", "n6/accuracy", "n7/small", "n8/chosen",
             "n9/accuracy"]  # fmt: skip
    found = judged(frame[(frame["seed"] == 0) & (frame["dataset"] == "pol")], *names)
    assert found["verdict"].tolist() == [NOT_TESTED] * len(names)


@pytest.mark.parametrize(
    ("losses", "found"), [([0, 1, 3], 0.2 * 2**0.5), ([2, 3, 4], 0.1), ([0, 1, 1.5], 0.4), ([0, 2, 1], 0.2)]
)
def test_where_accuracy_has_fallen(losses, found):
    assert crossing(pd.Series([0.1, 0.2, 0.4]), pd.Series(losses), 2.0) == pytest.approx(found)


def test_disagreement_at_a_divergence_lies_between_logarithms():
    rows = pd.DataFrame({"sd": [0.2, 0.1], "kl": [0.04, 0.01], "disagreement": [0.3, 0.1]})
    assert disagreement_at(rows, 0.02) == pytest.approx(0.1 * 3**0.5)
    assert disagreement_at(rows, 0.05) is None


def test_a_loss_is_clear_by_its_draws():
    row = cell(SPARSITIES[0], 0.1, 0) | {"draws": 16}
    assert loses(row | {"loss": 0.2, "loss_sd": 0.4})
    assert not loses(row | {"loss": 0.15, "loss_sd": 0.4})
    assert not loses(row | {"loss": 0.0, "loss_sd": 0.0})
    assert loses(row | {"loss": 0.1, "loss_sd": 0.0})
