"""What is counted, compared and drawn of convolutional networks, against obvious versions."""

import numpy as np
import pytest
from scipy.stats import ttest_ind, ttest_rel

from truly_sparse.analysis.build import numbers
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.engine.convolution import architectures
from truly_sparse.engine.convolution.layers import Plan
from truly_sparse.studies import make
from truly_sparse.studies.spas import runs
from truly_sparse.studies.spas.catalogue import STUDY
from truly_sparse.studies.spas.figures import figure3, figure5
from truly_sparse.studies.spas.tables import cnn_storage

CIFAR = (3, 32, 32)
PLAIN = Plan(CIFAR, architectures.spas(10, shortcuts=False)).multiply_adds


def with_accuracy(record, value):
    """A record with another accuracy, a part of 1."""
    return record | {"accuracy": record["accuracy"] | {"test": value}}


def shaken(spec, record):
    """Give every run an accuracy of its own."""
    rng = np.random.default_rng([spec.seed, len(spec.path), sum(map(ord, spec.path))])
    return with_accuracy(record, record["accuracy"]["test"] + 0.02 * rng.normal())


def iqm_of_five(values):
    return np.sort(values)[1:4].mean()


def table(config, name, *index):
    return make.built(config, name).frame.set_index([*index])


def test_table4_has_interquartile_means_and_operations(grid, lay_out):
    config = lay_out(shaken, ("spas_cnn",))
    frame = table(config, "spas_table4", "dataset", "method", "setting", "metric")
    for method, setting in (("cnn_static", "c1"), ("densenet_set", "c25"), ("spas_cnn_set", "c75")):
        values = [
            100 * shaken(spec, record)["accuracy"]["test"]
            for spec, record in grid[1]
            if spec.path.startswith(f"spas_cnn/cifar100/{method}/{setting}/")
        ]
        row = frame.loc[("cifar100", method, setting, "iqm")]
        assert len(values) == row["seeds"] == 5
        assert row["value"] == pytest.approx(iqm_of_five(values))
    parts = frame.xs("i_flops", level="metric").loc["cifar10"]["value"]
    whole = {
        "cnn": 1.0,
        "densenet": Plan(CIFAR, architectures.densenet(10)).multiply_adds / PLAIN,
        "spas_cnn": Plan(CIFAR, architectures.spas(10)).multiply_adds / PLAIN,
    }
    for model, dense in whole.items():
        assert parts[f"{model}_static"]["c1"] == pytest.approx(dense)
        assert parts[f"{model}_set"]["c25"] == pytest.approx(dense / 25, rel=0.02)
    assert set(frame["mode"]) == {"dense", "static", "set"}
    assert set(frame.loc["cifar10"].xs("c1", level="setting")["mode"]) == {"dense"}
    printed = frame.loc[("cifar10", "spas_cnn_set", "c2", "iqm")]
    assert (printed["published"], printed["printed"]) == (77.75, "77.75")


def test_operations_are_a_mean_over_epochs_and_follow_moved_links(lay_out):
    def change(spec, record):
        moved = 1.5 if spec.method == "spas_cnn_set" else 1.0
        operations = record["operations"] | {"validation": moved * record["operations"]["validation"] / 3}
        return record | {"operations": operations, "scores": record["scores"] | {"epochs": 10}}

    before, after = (
        table(lay_out(each, ("spas_cnn",)), "spas_table4", "dataset", "method", "setting", "metric")["value"]
        for each in (lambda _, record: record, change)
    )
    for method, factor in (("spas_cnn_static", 1.0), ("spas_cnn_set", 1.5)):
        key = ("cifar10", method, "c5", "i_flops")
        assert after[key] == pytest.approx(factor * before[key])


@pytest.mark.parametrize(
    ("model", "sizes", "plain"),
    [
        ("cnn", [8, 16], architectures.spas(10, shortcuts=False, channels=[8, 16])),
        ("spas_cnn", [8, 16], architectures.spas(10, shortcuts=False, channels=[8, 16])),
        ("densenet", [4], architectures.spas(10, shortcuts=False)),
    ],
)
def test_the_plain_network_has_the_same_channels(model, sizes, plain):
    record = {
        "data": {"features": 784, "classes": 10, "validation_rows": 100},
        "scores": {"epochs": 3},
        "operations": {"validation": 3 * 100 * 12_345},
    }
    found = runs.i_flops_of(model, {"hidden_layer_sizes": sizes}, record)
    assert found == pytest.approx(12_345 / Plan((1, 28, 28), plain).multiply_adds)


def test_table5_compares_spas_cnn_with_both_others(grid, lay_out):
    config = lay_out(shaken, ("spas_cifar", "spas_tabular", "spas_cnn"))
    frame = table(config, "spas_table5", "dataset", "method", "metric")
    found = {}
    for spec, record in grid[1]:
        if spec.experiment == "spas_cnn" and spec.dataset == "cifar10":
            cell = found.setdefault(spec.method.rpartition("_")[0], {}).setdefault((spec.method, spec.setting), [])
            cell.append(100 * shaken(spec, record)["accuracy"]["test"])
    best = {model: max(cells.values(), key=iqm_of_five) for model, cells in found.items()}
    top = {model: max(map(max, cells.values())) for model, cells in found.items()}
    for model in ("cnn", "densenet"):
        row = frame.loc[("cifar10", model, "delta_iqm")]
        assert row["value"] == pytest.approx(iqm_of_five(best["spas_cnn"]) - iqm_of_five(best[model]))
        assert row["p"] == pytest.approx(ttest_ind(best["spas_cnn"], best[model], equal_var=False).pvalue)
        assert frame.loc[("cifar10", model, "delta_max"), "value"] == pytest.approx(top["spas_cnn"] - top[model])
    assert frame.loc[("cifar10", "densenet", "delta_iqm"), "published"] == 1.89
    assert list(dict.fromkeys(frame.loc["cifar10"].index.get_level_values("method"))) == ["mlp", "cnn", "densenet"]
    without = make.built(lay_out(shaken, ("spas_cifar", "spas_tabular")), "spas_table5").frame
    perceptrons = make.built(config, "spas_table5").frame.query("method == 'mlp'").reset_index(drop=True)
    assert perceptrons.equals(without.query("method == 'mlp'").reset_index(drop=True))


@pytest.mark.parametrize(("name", "dataset"), [("spas_table7", "cifar10"), ("spas_table8", "cifar100")])
def test_budgets_have_convolutional_rows(grid, lay_out, name, dataset):
    config = lay_out(shaken, ("spas_budgets", "spas_cnn_budgets"))
    frame = table(config, name, "method", "setting", "metric")
    for method, setting in (("cnn_static", "c1"), ("densenet_static", "n2000"), ("spas_cnn_set", "n50000")):
        values = [
            100 * shaken(spec, record)["accuracy"]["test"]
            for spec, record in grid[1]
            if spec.path.startswith(f"spas_cnn_budgets/{dataset}/{method}/{setting}/")
        ]
        row = frame.loc[(method, setting, "mean")]
        assert row["value"] == pytest.approx(np.mean(values))
        assert frame.loc[(method, setting, "max"), "value"] == pytest.approx(max(values))
        assert isinstance(row["printed"], str)
    notes = frame.xs("n1000", level="setting")["note"]
    assert set(notes[[f"{model}_static" for model in runs.CONVOLUTIONAL]]) == {"not run"}
    assert set(notes[["mlp_static", "spas_set"]]) == {""}
    without = make.built(lay_out(shaken, ("spas_budgets",)), name).frame
    ours, alone = (
        found[found["model"].isin(runs.PERCEPTRONS)].reset_index(drop=True)
        for found in (make.built(config, name).frame, without)
    )
    assert ours.equals(alone)


@pytest.mark.parametrize(
    ("points", "no_loss"),
    [
        ([0.1, -0.1, 0.05, 0.0, -0.05], True),
        ([0.1, -0.6, 0.3, -0.5, -0.2], False),  # about -0.2, and far from sure
        ([-0.5, -0.52, -0.48, -0.5, -0.51], False),
        ([0.0, 0.0, 0.0, 0.0, 0.0], True),
        ([-0.4, -0.4, -0.4, -0.4, -0.4], False),
        ([0.1, 0.0, 0.1, 0.2], None),  # too few pairs
        ([0.1], None),
    ],
)
def test_no_loss_in_16_bits_is_a_matter_of_the_interval(lay_out, points, no_loss):
    def change(spec, record):
        half = spec.settings["training"]["activation_storage"] == "bfloat16"
        if spec.seed >= len(points):
            return None if half else record
        more = points[spec.seed] if half else 0
        loss = {"final_train": 0.7 + 0.01 * spec.seed - more / 50}
        return with_accuracy(record, 0.7 + 0.01 * spec.seed + more / 100) | {"loss": loss}

    frame = make.built(lay_out(change, ("spas_cnn_storage",)), "spas_cnn_storage").frame
    assert set(frame["setting"]) == {"c25"}
    assert set(frame["measure"]) == {"test_accuracy", "train_loss"}
    whole = frame[frame["storage"] == "float32"]
    assert set(whole["seeds"]) == set(whole["asked"]) == {5}
    row, loss = frame[frame["metric"] == "difference"].to_dict("records")
    assert row["seeds"] == loss["seeds"] == len(points)
    assert row["value"] == pytest.approx(np.mean(points))
    assert loss["value"] == pytest.approx(-np.mean(points) / 50)
    assert (None if row["no_loss"] is not True and row["no_loss"] is not False else row["no_loss"]) == no_loss
    if len(set(points)) > 1:
        for found, sign in ((row, 1), (loss, -1 / 50)):
            test = ttest_rel(0.7 + sign * np.array(points), np.full(len(points), 0.7))
            interval = test.confidence_interval(0.95)
            assert (found["low"], found["high"]) == pytest.approx((interval.low, interval.high))
            assert found["p"] == pytest.approx(test.pvalue)


def test_the_margins_of_no_loss_are_the_stated_ones():
    whole, (accuracy, loss) = np.arange(5.0), cnn_storage.MEASURES.values()
    assert (cnn_storage.LEAST_PAIRS, accuracy.margin, loss.margin) == (5, 0.3, 0.01)
    assert cnn_storage.difference(whole, whole - 0.29, accuracy)["no_loss"]
    assert not cnn_storage.difference(whole, whole - 0.3, accuracy)["no_loss"]
    assert cnn_storage.difference(whole, whole + 0.0099, loss)["no_loss"]
    assert cnn_storage.difference(whole, whole - 1, loss)["no_loss"]
    assert not cnn_storage.difference(whole, whole + 0.0101, loss)["no_loss"]


def test_ensembles_are_compared_with_five_independent_networks(lay_out):
    gains = {"cnn_one": -2.0, "cnn_independent": 0.0, "cnn_edst_rg": 1.0, "cnn_fd_tse": 1.5, "cnn_partition": -0.5}
    shift = [0.1, -0.1, 0.3]

    def change(spec, record):
        points = gains[spec.method] + (shift[spec.seed] if spec.method == "cnn_fd_tse" else 0)
        metrics = record["metrics"] | {"log_loss": 0.5 + 0.1 * spec.seed + (0.05 if spec.method == "cnn_one" else 0)}
        seconds = record["seconds"] | {"cpu": 90.0}
        lost = spec.dataset == "fashion_mnist" and spec.method == "cnn_partition" and spec.seed > 0
        changed = with_accuracy(record, 0.75 + 0.01 * spec.seed + points / 100)
        return None if lost else changed | {"metrics": metrics, "seconds": seconds}

    config = lay_out(change, ("spas_cnn_ensembles",))
    frame = table(config, "spas_cnn_ensembles", "dataset", "method", "metric")
    assert list(dict.fromkeys(frame.loc["cifar10"].index.get_level_values("method"))) == list(gains)
    for method, points in gains.items():
        row = frame.loc[("cifar10", method, "accuracy")]
        extra = np.mean(shift) if method == "cnn_fd_tse" else 0
        assert row["value"] == pytest.approx(76 + points + extra)
        assert frame.loc[("cifar10", method, "cpu_seconds"), "value"] == pytest.approx(90)
        if method != "cnn_independent":
            assert (row["pairs"], row["gain"]) == (3, pytest.approx(points + extra))
    assert frame.loc[("cifar10", "cnn_one", "log_loss"), "gain"] == pytest.approx(0.05)
    test = ttest_rel(1.5 + np.array(shift), np.zeros(3))
    row = frame.loc[("cifar10", "cnn_fd_tse", "accuracy")]
    assert row["p"] == pytest.approx(test.pvalue)
    assert row["low"] == pytest.approx(test.confidence_interval(0.95).low)
    assert np.isnan(frame.loc[("cifar10", "cnn_one", "disagreement"), "value"])
    row = frame.loc[("fashion_mnist", "cnn_partition", "accuracy")]
    assert (row["seeds"], row["asked"], row["pairs"], row["setting"]) == (1, 3, 1, "c10")
    assert np.isnan(row["low"])


def test_ensembles_without_the_baseline_are_shown_all_the_same(lay_out):
    def change(spec, record):
        return None if spec.method == "cnn_independent" else record

    frame = table(lay_out(change, ("spas_cnn_ensembles",)), "spas_cnn_ensembles", "dataset", "method", "metric")
    row = frame.loc[("cifar10", "cnn_one", "accuracy")]
    assert (row["seeds"], row["pairs"]) == (3, 0)
    assert np.isnan(row["gain"])
    assert frame.loc[("cifar10", "cnn_independent", "accuracy"), "seeds"] == 0


def drawn(config, module, name):
    return numbers(module, Inputs(config, STUDY, STUDY.figure(config, name)), name)


def test_figure5_has_interquartile_means_by_r(lay_out):
    frame = drawn(lay_out(shaken, ("spas_cnn_ratio",)), figure5, "spas_figure5")
    assert len(frame[frame["kind"] == "iqm"]) == 2 * 4 * 6
    for key, own in frame.groupby(["dataset", "budget", "ratio"]):
        runs_of = own.loc[own["kind"] == "run", "value"]
        assert len(runs_of) == 5, key
        assert own.loc[own["kind"] == "iqm", "value"].item() == pytest.approx(iqm_of_five(runs_of))
    assert sorted(frame["ratio"].unique()) == pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9, 1.0])


@pytest.mark.parametrize(
    ("experiments", "panels"),
    [(("spas_cifar", "spas_cnn"), 8), (("spas_cifar",), 4)],
)
def test_figure3_has_both_kinds_side_by_side(lay_out, experiments, panels):
    frame = drawn(lay_out(experiments=experiments), figure3, "spas_figure3")
    models = {"mlp", "spas"} | ({"cnn", "densenet", "spas_cnn"} if "spas_cnn" in experiments else set())
    assert set(frame["model"]) == models
    assert frame.loc[frame["model"] == "spas_cnn", "published"].notna().all()
    axes = figure3.draw(frame, "paper").axes
    assert len(axes) == panels
    assert len({each.get_title() for each in axes}) == panels
    assert not any("not run" in text.get_text() for each in axes for text in each.texts)


def test_a_panel_of_figure3_without_runs_says_so(lay_out):
    frame = drawn(lay_out(experiments=("spas_cifar", "spas_cnn")), figure3, "spas_figure3")
    frame = frame[~((frame["dataset"] == "cifar100") & frame["model"].isin(["cnn", "densenet", "spas_cnn"]))]
    said = [any(text.get_text() == "not run" for text in each.texts) for each in figure3.draw(frame, "paper").axes]
    assert said == [False] * 4 + [True, True] + [False] * 2
