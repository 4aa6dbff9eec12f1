"""The numbers in the tables of SPaS, against obvious versions of them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import levene, ttest_ind

from truly_sparse.studies import make
from truly_sparse.studies.spas.chance import random_below
from truly_sparse.studies.spas.runs import cells
from truly_sparse.studies.spas.tables import depth as depth_table


def accuracies(grid, change, **keys):
    """The accuracies of a cell, in percent, in order of the seeds."""
    found = [
        100 * change(spec, record)["accuracy"]["test"]
        for spec, record in grid[1]
        if all(getattr(spec, name) == value for name, value in keys.items())
    ]
    return np.array(found)


def shaken(spec, record):
    """Give every run an accuracy of its own, with shortcuts less spread."""
    rng = np.random.default_rng([spec.seed, len(spec.path), sum(map(ord, spec.path))])
    spread = 0.01 if spec.method.startswith("spas") else 0.03
    value = record["accuracy"]["test"] + spread * rng.normal()
    return record | {"accuracy": record["accuracy"] | {"test": value}}


def test_table3_has_interquartile_means_and_spreads(grid, lay_out):
    frame = make.built(lay_out(shaken, ("spas_cifar",)), "spas_table3").frame.set_index(
        ["dataset", "method", "setting", "metric"]
    )
    for method, setting in (("mlp_static", "c1"), ("mlp_set", "c12.5"), ("spas_static", "c0"), ("spas_set", "c75")):
        values = accuracies(grid, shaken, experiment="spas_cifar", dataset="cifar10", method=method, setting=setting)
        row = frame.loc[("cifar10", method, setting, "iqm")]
        assert len(values) == row["seeds"] == 5
        assert row["value"] == pytest.approx(np.sort(values)[1:4].mean())
        assert row["mean"] == pytest.approx(values.mean())
        assert row["std"] == pytest.approx(values.std(ddof=1))
        # It is that of accuracies, and not of operations, of epochs or of the best run.
        assert frame["std"].sort_index().loc[("cifar10", method, setting)].drop("iqm").isna().all()
        assert frame.loc[("cifar10", method, setting, "max"), "value"] == pytest.approx(values.max())
    parts = frame.xs("i_flops", level="metric").loc["cifar10"]["value"]
    assert parts["mlp_static"]["c1"] == 1
    assert parts["spas_static"]["c0"] == pytest.approx(985_320 / 328_200)
    assert parts["spas_set"]["c75"] == pytest.approx(1 / 75, rel=1e-3)
    printed = frame.loc[("cifar10", "spas_set", "c75", "iqm")]
    assert (printed["published"], printed["printed"]) == (49.33, "49.33")


def test_table5_compares_the_best_settings(grid, lay_out):
    config = lay_out(shaken, ("spas_cifar", "spas_tabular"))
    frame = make.built(config, "spas_table5").frame.set_index(["dataset", "method", "metric"])
    runs = {}
    for spec, record in grid[1]:
        if spec.experiment == "spas_tabular" and spec.dataset == "pol":
            model = spec.method.split("_")[0]
            cell = runs.setdefault(model, {}).setdefault((spec.method, spec.setting), [])
            cell.append(100 * shaken(spec, record)["accuracy"]["test"])
    best = {model: max(found.values(), key=lambda v: np.sort(v)[2:8].mean()) for model, found in runs.items()}
    row = frame.loc[("pol", "mlp", "delta_iqm")]
    assert row["value"] == pytest.approx(np.sort(best["spas"])[2:8].mean() - np.sort(best["mlp"])[2:8].mean())
    assert row["p"] == pytest.approx(ttest_ind(best["spas"], best["mlp"], equal_var=False).pvalue)
    assert row["published"] == 0.73
    top = {model: max(max(values) for values in found.values()) for model, found in runs.items()}
    assert frame.loc[("pol", "mlp", "delta_max"), "value"] == pytest.approx(top["spas"] - top["mlp"])
    spread = frame.loc[("pol", "mlp", "delta_std")]
    assert spread["value"] == pytest.approx(np.std(best["spas"], ddof=1) - np.std(best["mlp"], ddof=1))
    assert spread["p"] == pytest.approx(levene(best["spas"], best["mlp"]).pvalue)
    assert set(frame.xs("cnn", level="method")["note"]) == {"not run"}


def test_choices_are_compared_with_the_same_seed_and_as_many_links(lay_out):
    def change(spec, record):
        if spec.experiment == "spas_cifar" and spec.method == "spas_set":
            value = {"c5": 0.40, "c25": 0.30}.get(spec.setting, 0.2) + 0.01 * spec.seed
            return record | {"accuracy": record["accuracy"] | {"test": value}}
        if spec.experiment == "spas_choices" and spec.method == "spas_set" and spec.dataset == "cifar10":
            return record | {"accuracy": record["accuracy"] | {"test": 0.45 + 0.01 * spec.seed}}
        return record

    frame = make.built(lay_out(change), "spas_choices").frame
    own = frame[(frame["method"] == "spas_set") & (frame["dataset"] == "cifar10")]
    choices = {(row["choice"], row["as_run"], row["instead"]) for row in own.to_dict("records")}
    assert choices == {
        ("keep_shortcut_ratio", "yes", "no"),
        ("prune_fraction", "0.3", "0.1"),
        ("prune_fraction", "0.3", "0.5"),
        ("learning_rate", "0.005", "0.001"),
        ("validation", "test rows", "held-out rows"),
        ("start", "uniform", "Erdos-Renyi"),
    }
    for row in own.to_dict("records"):
        assert row["points"] == pytest.approx(5 if row["setting"] == "c5" else 15)
        assert row["points_std"] == pytest.approx(0, abs=1e-9)
        assert row["seeds"] == 5
    assert own.loc[own["choice"] == "start", "setting"].tolist() == ["c25"]
    assert set(frame.loc[frame["dataset"] == "jannis", "choice"]) == {"init", "scaling"}


def test_ensembles_are_compared_in_pairs_of_seeds(lay_out):
    gains = {"gesture": 0.02, "heloc": -0.01}

    def change(spec, record):
        if not spec.settings["training"].get("shortcut_ratio"):
            return record
        value = record["accuracy"]["test"] - 0.005 + gains.get(spec.dataset, 0.0)
        return record | {"accuracy": record["accuracy"] | {"test": value}}

    def without_a_seed(spec, record):
        lacking = spec.dataset == "pol" and spec.seed == 2 and spec.settings["training"].get("shortcut_ratio")
        return None if lacking else change(spec, record)

    frame = make.built(lay_out(without_a_seed, ("spas_ensembles",)), "spas_ensembles").frame
    gain = frame[(frame["metric"] == "gain") & (frame["method"] == "fd_tse")].set_index("dataset")
    assert gain.loc["gesture", "value"] == pytest.approx(2)
    assert gain.loc["heloc", "value"] == pytest.approx(-1)
    assert gain["seeds"].drop("all").to_dict() == {name: 2 if name == "pol" else 3 for name in gain.index.drop("all")}
    values = np.array([2, -1, *[0] * 6])
    assert gain.loc["all", "value"] == pytest.approx(values.mean())
    half = 2.3646 * values.std(ddof=1) / np.sqrt(8)
    assert gain.loc["all", "high"] == pytest.approx(values.mean() + half, abs=1e-3)
    lacking = frame[(frame["dataset"] == "pol") & (frame["shortcut_ratio"] == 0.5)]
    assert (lacking["seeds"].tolist(), lacking["asked"].tolist()) == ([2, 2, 2], [3, 3, 3])


def test_the_protocol_of_the_source_stands_beside_the_others(lay_out):
    frame = make.built(lay_out(), "spas_start").frame
    own = frame[(frame["metric"] == "iqm") & (frame["dataset"] == "electricity") & (frame["compression"] == 25)]
    assert sorted(own["init"].unique()) == ["torch", "torch_links"]
    assert set(own["seeds"]) == {5}  # ten seeds are trained by the source's protocol, five by another
    assert own.groupby("init")["random"].all().to_dict() == {"torch": True, "torch_links": False}


def test_of_other_pictures_nothing_is_printed(lay_out):
    table = make.built(lay_out(experiments=("spas_fashion",)), "spas_fashion")
    frame = table.frame[table.frame["metric"] == "iqm"]
    assert set(frame["dataset"]) == {"fashion_mnist"}
    assert frame["published"].isna().all()
    assert (frame["seeds"] == frame["asked"]).all()
    assert len(frame) == 2 + 4 * 5
    (part,) = table.parts
    assert part.cells["spas_here"].ne("–").all()
    assert not any(column.key.endswith("published") for column in part.columns)


def test_the_fit_over_depths_is_that_of_a_straight_line(depth):
    frame = depth_table.tidy(depth, "commit")
    fits = frame[frame["metric"].isin(depth_table.FITTED)].set_index(["setting", "metric"])["value"]
    assert fits.to_numpy() == pytest.approx(1)
    bent = depth.assign(cpu_seconds=depth["links"] ** 4)
    frame = depth_table.tidy(bent, "commit")
    assert frame.loc[frame["metric"] == "r2_seconds", "value"].max() < 0.95
    few = depth_table.tidy(depth[depth["hidden_layers"] < 10], "commit")
    assert not few["metric"].isin(depth_table.FITTED).any()


@given(st.lists(st.floats(0, 100), min_size=1, max_size=12))
def test_a_cell_is_random_by_its_interquartile_mean(values):
    ordered = sorted(values)
    cut = len(ordered) // 4
    centre = np.mean(ordered[cut : len(ordered) - cut])
    rows = pd.DataFrame({"dataset": "cifar10", "accuracy": values, "last": values, "classes": 10.0})
    rows = rows.assign(epochs=1.0, i_flops=1.0, note="", commit="")
    (cell,) = cells(rows, ["dataset"]).to_dict("records")
    assert cell["iqm"] == pytest.approx(centre)
    if abs(centre - 15) > 1e-6:
        assert cell["random"] == (centre < 15)


@pytest.mark.parametrize(
    ("dataset", "classes", "level"),
    [("cifar10", 10, 15), ("cifar100", 100, 2), ("higgs", 2, 53.99), ("pol", 2, 51), ("pol", float("nan"), 51)],
)
def test_what_is_no_better_than_guessing(dataset, classes, level):
    assert random_below(dataset, classes) == pytest.approx(level)
