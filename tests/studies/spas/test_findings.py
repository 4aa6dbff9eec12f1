"""The sentences say what the frames hold, and leave out what they lack."""

import pandas as pd
import pytest

from truly_sparse.analysis.evidence import Evidence
from truly_sparse.analysis.statements import said
from truly_sparse.studies.spas.findings.listed import STATEMENTS
from truly_sparse.studies.spas.verdicts import claims, ensembles

SOURCE, OTHER = ("torch", 5e-5, 4), ("torch_links", 0.0, 0)


def sentences(topic, **frames):
    """Return what is said of a topic where there are these frames only."""
    return said([one for one in STATEMENTS if one.topic == topic], Evidence(frames))[topic]


def starts(*cells):
    """Return the frame of the table of starts: (dataset, protocol, mode, accuracy) of each cell."""
    rows = [
        {"dataset": dataset, "init": init, "l1": l1, "patience": patience, "mode": mode, "value": value}
        for dataset, (init, l1, patience), mode, value in cells
    ]
    return pd.DataFrame(rows).assign(metric="iqm", compression=25)


def test_both_protocols_are_compared_where_both_were_tried():
    tried = starts(
        ("cifar10", SOURCE, "set", 10.0), ("cifar10", SOURCE, "static", 11.0), ("cifar10", OTHER, "set", 51.5),
        ("cifar100", SOURCE, "set", 1.0),
        ("pol", SOURCE, "set", 50.0), ("pol", OTHER, "set", 96.0), ("pol", OTHER, "static", 90.0),
        ("jannis", SOURCE, "set", 52.0), ("jannis", OTHER, "set", 70.0), ("jannis", OTHER, "static", 71.0),
        ("heloc", OTHER, "set", 99.0),
    )  # fmt: skip
    pictures, tables = sentences("Collapse", spas_start=tried)
    assert pictures == (
        "On CIFAR-10 at compression 25 plain networks by the source's protocol have 10.0 to 11.0 %; those that start "
        "by their real fan-in, with L1 0 and patience 0, up to 51.5 %."
    )
    assert "over 2 tabular datasets" in tables
    assert "51.0 %" in tables
    assert "up to 83.0 %" in tables


def test_nothing_is_said_where_one_protocol_is_missing():
    tried = starts(("cifar10", SOURCE, "set", 10.0), ("cifar100", OTHER, "set", 1.0))
    assert sentences("Collapse", spas_start=tried) == []


def test_convolutional_claims_are_counted_apart():
    verdicts = pd.DataFrame(
        [
            ("collapse/cifar10", "Plain networks", "confirmed"),
            ("cnn/best/cifar10/cnn", claims.CONVOLUTIONAL, "confirmed"),
            ("cnn/ratio/2000", claims.CONVOLUTIONAL, "not confirmed"),
            ("cnn/ratio/50000", claims.CONVOLUTIONAL, "not tested"),
            ("cnn_ensembles/cnn_fd_tse/cnn_one", ensembles.TOPIC, "confirmed"),
        ],
        columns=["claim", "topic", "verdict"],
    )
    assert sentences("Reproduced", spas_verdicts=verdicts) == [
        "Of 1 claims about perceptrons that could be tested, 1 are confirmed, 0 differ only as explained, and 0 are "
        "not confirmed."
    ]
    assert sentences("Convolution", spas_verdicts=verdicts) == [
        "Claims about convolutional networks that are confirmed: 1; that are not: 1; that could not be tested: 1."
    ]
    assert sentences("Reproduced", spas_verdicts=verdicts.iloc[1:]) == []


def test_the_best_and_the_sparsest_convolutional_networks_stand_beside_print():
    differences = pd.DataFrame(
        [
            ("cifar10", "mlp", -2.5, -1.0),
            ("cifar10", "cnn", 1.5, 2.26),
            ("cifar100", "densenet", -0.4, None),
            ("cifar100", "cnn", None, 5.04),
        ],
        columns=["dataset", "method", "value", "published"],
    ).assign(metric="delta_iqm")
    cells = pd.DataFrame(
        [("spas_cnn", 75, 43.2, 43.16), ("cnn", 75, 38.0, None), ("spas_cnn", 5, 76.0, 76.55), ("cnn", 5, 75.0, 75.35)],
        columns=["model", "compression", "value", "published"],
    ).assign(dataset="cifar10", metric="iqm", mode="set")
    assert sentences("Convolution", spas_table5=differences) == [
        "Each in its best setting, the accuracy of SPaS-CNN differs, in points, by +1.5 (published +2.3) beside CNN on "
        "CIFAR-10 and −0.4 beside DenseNet on CIFAR-100."
    ]
    assert sentences("ConvolutionSparse", spas_table4=cells) == [
        "On CIFAR-10, with topologies that evolve, compression 75 leaves SPaS-CNN 43.2 % (published 43.2) and CNN "
        "38.0 %."
    ]
    assert sentences("Convolution", spas_table5=differences.iloc[:1]) == []


def test_the_best_r_is_named_with_what_it_is_worth():
    rows = [(50_000, 0.5, 76.0), (50_000, 1.0, 75.0), (2_000, 0.5, 20.0), (2_000, 1.0, 45.5), (5_000, 0.5, 50.0)]
    frame = pd.DataFrame(rows, columns=["budget", "ratio", "value"]).assign(dataset="cifar10", kind="iqm")
    assert sentences("ConvolutionRatio", spas_figure5=frame) == [
        "On CIFAR-10 the best R of SPaS-CNN is 0.5 with 50,000 links (1.0 points above the worst, 1); and 1 with 2,000 "
        "links (25.5 points above the worst, 0.5)."
    ]
    assert sentences("ConvolutionRatio", spas_figure5=frame.iloc[-1:]) == []


@pytest.mark.parametrize("no_loss", [[True, False], [True, None], [None, None]])
def test_storage_is_told_with_its_intervals(no_loss):
    frame = pd.DataFrame({"setting": ["c5", "c25"], "value": [0.02, -0.2], "low": [-0.1, None], "high": [0.14, None]})
    frame = frame.assign(metric="difference", measure=["test_accuracy", "train_loss"], no_loss=no_loss)
    (told,) = sentences("Storage", spas_cnn_storage=frame)
    assert (
        "the accuracy by +0.02 points at c5 (95 % interval −0.10 to +0.14) and the training loss by −0.2000 at c25"
        in told
    )
    decided = sum(value is not None for value in no_loss)
    assert (f"no loss in {no_loss.count(True)} of {decided} comparisons" in told) == bool(decided)


def test_ensembles_of_pictures_are_told_by_what_they_have_more():
    rows = [
        ("cifar10", "cnn_independent", 75.0, None, None, None),
        ("cifar10", "cnn_fd_tse", 76.5, 1.5, 0.9, 2.1),
        ("cifar10", "cnn_one", 73.0, -2.0, None, None),
        ("fashion_mnist", "cnn_one", 90.0, None, None, None),
    ]
    frame = pd.DataFrame(rows, columns=["dataset", "method", "value", "gain", "low", "high"]).assign(metric="accuracy")
    assert sentences("PictureEnsembles", spas_cnn_ensembles=frame) == [
        "On CIFAR-10 five independent networks have 75.0 %; from that, at about as many operations, differ in points: "
        "FD-TSE of CNNs +1.50 (95 % interval +0.90 to +2.10) and One CNN −2.00."
    ]
    assert sentences("PictureEnsembles", spas_cnn_ensembles=frame.iloc[-1:]) == []
