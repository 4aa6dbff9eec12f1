"""Tables and figures of what is measured beside the runs, from made-up measurements."""

import pandas as pd
import pytest

from truly_sparse.analysis.published import load
from truly_sparse.experiments.configuration import load_config
from truly_sparse.studies import make
from truly_sparse.studies.whitaker.catalogue import FIGURES, TABLES
from truly_sparse.studies.whitaker.figures.noise import colours
from truly_sparse.studies.whitaker.verdicts.diversity import CHILDREN, SNAPSHOTS

from ..conftest import REPOSITORY
from ..made import check_figure, check_table
from . import made_up_noise
from .test_diversity import maps


def flat():
    """Return a measurement of the loss about networks, those about children flatter."""
    kinds = [
        ("sse_np", "parent", 0.3),
        ("sse_np", "pruned", 0.4),
        ("sse_np", "tuned", 0.1),
        ("sse_unpruned", "tuned", 0.2),
    ]
    rows = [
        {"dataset": dataset, "method": method, "seed": seed, "network": network, "norm": norm, "rise": rise * norm}
        for method, network, rise in kinds
        for dataset in ("gesture", "pol") for seed in range(2) for norm in (0.05, 0.1)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def epochs():
    """Return a measurement of single epochs."""
    rows = [
        {"dataset": "gesture", "method": method, "seed": seed, "epoch": epoch, "accuracy": 50.0 + epoch + seed}
        for method in ("annealing", "iterative") for seed in range(2) for epoch in (1, 2, 3)
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture
def config(repository, committed):
    """A configuration without runs, and all measurements."""
    found = load_config(REPOSITORY / "config/whitaker.yaml") | {"train": False}
    for name, frame in (
        ("noise", made_up_noise.frame()),
        ("saliency", maps(0.1, 0.1)),
        ("landscape", flat()),
        ("tuning", epochs()),
    ):
        committed(found, name, frame.assign(partial=""))
    assert repository.samefile(".")
    return found


def test_every_table_and_figure_of_measurements_can_be_made(config):
    for name in (name for name, entry in TABLES.items() if entry.measurements):
        check_table(config, name, of_runs=False, beside=("CSV", "PDF", "Preset", "Table", "Source"))
    for name in (name for name, entry in FIGURES.items() if entry.measurements):
        check_figure(config, name)


def test_numbers_of_imagenet_are_said_to_be_of_it(config):
    printed, *_ = make.built(config, "whitaker_table4_1").parts
    assert "of another task (convolutional networks on ImageNet)" in printed.caption
    assert "CIFAR" not in printed.caption


def test_table_4_1_has_scores_and_gains(config):
    frame = make.built(config, "whitaker_table4_1").frame
    here = frame[frame["value"].notna()].set_index(["dataset", "metric"])
    row = here.loc["pol", "delta_accuracy"]
    assert row["value"] == pytest.approx(0.2)
    assert row["std"] == pytest.approx(0.01)
    assert row["seeds"] == made_up_noise.SEEDS
    assert here.loc["pol", "ensemble_accuracy"]["value"] == pytest.approx(70.2)
    assert here.loc["pol", "mutation_sigma"]["value"] == pytest.approx(0.02)
    gains = frame[frame["metric"] == "gain_accuracy"].set_index(["kind", "choice", "members"])
    assert len(gains) == 3 * 5
    assert gains.loc[("quad", "selected", 8), "value"] == pytest.approx(0.2)
    assert gains.loc[("quad", "random", 4), "value"] == pytest.approx(0.1)
    assert gains.loc[("mirrored", "all", 16), "note"] == "2 of 2"
    printed = frame[frame["published"].notna()]
    assert len(printed) == len(load("whitaker_table4_1"))


def test_figure_4_3_is_of_the_grid_and_of_ensembles(config):
    measured = made_up_noise.frame()
    _, _, csv = make.figure(config, "whitaker_figure4_3")
    frame = pd.read_csv(csv)
    grid = measured[measured["part"] == "grid"]
    own = frame[(frame["panel"] == "b") & (frame["dataset"] == "pol")]
    assert len(own) == grid[["sparsity", "sd"]].drop_duplicates().shape[0]
    strongest = own.loc[own["sd"].idxmax() if own["sd"].is_unique else own["value"].idxmax()]
    assert strongest["value"] == pytest.approx(grid.groupby(["sparsity", "sd"])["loss"].mean().max())
    votes = measured[measured["part"] == "combining"].groupby("sd")[["accuracy", "vote"]].mean()
    for panel, column in (("mean", "accuracy"), ("vote", "vote")):
        drawn = frame[frame["panel"] == panel].set_index("sd")["value"]
        pd.testing.assert_series_equal(drawn, votes[column], check_names=False, rtol=1e-6)


def test_figure_7_4_has_printed_distances_beside(config):
    _, _, csv = make.figure(config, "whitaker_figure7_4")
    frame = pd.read_csv(csv).set_index(["method", "metric"])
    assert frame.loc[(SNAPSHOTS, "average_hash"), "published"] == 10.01
    assert frame.loc[(CHILDREN, "wavelet_hash"), "published"] == 15.97
    assert frame.loc[(CHILDREN, "rmse"), "value"] == pytest.approx(1.1 * 10.015)
    assert set(frame["seeds"]) == {4}


def test_sparsities_have_colours_of_their_own():
    found = colours([0.9, 0.0, 0.5, 0.5])
    assert list(found) == [0.0, 0.5, 0.9]
    assert len(set(found.values())) == 3
    assert all(len(colour) == 7 for colour in found.values())


def test_figure_5_7_has_means_of_every_kind_of_network(config):
    _, _, csv = make.figure(config, "whitaker_figure5_7")
    frame = pd.read_csv(csv).set_index(["dataset", "network", "norm"])
    assert len(frame) == 2 * 4 * 2
    assert frame.loc[("pol", "children, tuned", 0.1), "value"] == pytest.approx(0.01)
    assert frame.loc[("pol", "children that lost no link, tuned", 0.1), "value"] == pytest.approx(0.02)


def test_figure_6_2_epoch_by_epoch_has_means_over_seeds(config):
    _, _, csv = make.figure(config, "whitaker_figure6_2_epochs")
    frame = pd.read_csv(csv).set_index(["method", "epoch"])
    assert frame.loc[("annealing", 3), ["value", "error", "seeds"]].tolist() == [53.5, 0.5, 2]
