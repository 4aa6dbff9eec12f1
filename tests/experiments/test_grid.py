"""The grid: names of runs, their settings, and hashes of those."""

from pathlib import Path

import pytest

from truly_sparse.errors import UserError
from truly_sparse.experiments.configuration import data_of, load_config, validate
from truly_sparse.experiments.grid import find, runs, setting_name

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def paper():
    return load_config(ROOT / "config/journal.yaml")


def with_blocks(config, *blocks):
    return validate(config | {"experiments": {"table1": list(blocks)}})


def test_the_paper_has_every_model_setting_and_seed(paper):
    specs = runs(paper, "table1")
    gesture, higgs = 3 * 3 * 5 + 3 * 3 * 5 + 2 * 3 * 5 + 2, 5 * 2 * 3 + 2 * 3 * 3 + 2
    assert len(specs) == gesture + higgs
    eight = {"edst_rg", "rd_tse", "fd_tse", "dist_tse", "set_mlp", "static", "dense", "dense_ensemble"}
    assert {spec.method for spec in specs} == eight
    assert {spec.method for spec in runs(paper)} == set(paper["methods"])
    assert {spec.dataset for spec in runs(paper)} == set(paper["datasets"])
    assert len({spec.settings_hash for spec in specs}) == len(specs)


def test_a_run_says_everything_that_decides_its_result(paper):
    spec = find(paper, "table1/gesture/fd_tse/eps20/seed3")
    assert set(spec.settings) == {"dataset", "method", "model", "strategy", "seed", "data", "training"}
    assert spec.settings["data"]["split"] == "authors"
    assert spec.settings["training"] == paper["training"] | {"epsilon": 20.0}
    assert spec.settings["seed"] == 3


def test_dense_runs_have_no_epsilon_and_start_first(paper):
    dense, ensemble = (find(paper, f"table1/gesture/{name}/default/seed0") for name in ("dense", "dense_ensemble"))
    sparse = find(paper, "table1/gesture/fd_tse/eps20/seed0")
    assert dense.settings["training"]["epsilon"] is None
    assert dense.settings["training"]["activation"] == "relu"
    assert ensemble.priority > dense.priority > sparse.priority


@pytest.mark.parametrize(
    ("point", "name"),
    [
        ({}, "default"),
        ({"epsilon": 20.0}, "eps20"),
        ({"epsilon": 0.5}, "eps0.5"),
        ({"epsilon": 20.0, "distance_factor": 1.0}, "eps20_lambda1.0"),
        ({"learning_rate": 1e-07}, "eta1e-07"),
        ({"hidden_layer_sizes": [100, 50]}, "hidden100-50"),
        ({"decay_times_learning_rate": True}, "decay_times_etatrue"),
    ],
)
def test_setting_names(point, name):
    assert setting_name(point) == name


def test_dist_tse_names_its_lambda_even_where_it_is_no_axis(paper):
    block = {"datasets": ["gesture"], "methods": ["dist_tse", "fd_tse"], "epsilon": [20], "seeds": [0]}
    assert [spec.setting for spec in runs(with_blocks(paper, block))] == ["eps20_lambda1.5", "eps20"]


def test_the_order_of_keys_renames_nothing(paper):
    axes = {"prune_fraction": [0.1], "learning_rate": [0.2], "epsilon": [20]}
    block = {"datasets": ["gesture"], "methods": ["fd_tse"], "seeds": [0]}
    one, other = (runs(with_blocks(paper, block | dict(order)))[0] for order in (axes.items(), reversed(axes.items())))
    assert one.path == other.path == "table1/gesture/fd_tse/eps20_eta0.2_zeta0.1/seed0"
    assert one.settings_hash == other.settings_hash


def test_the_hash_follows_every_setting(paper):
    other = validate(paper | {"training": paper["training"] | {"momentum": 0.8}})
    path = "table1/gesture/fd_tse/eps20/seed3"
    assert find(paper, path).settings_hash != find(other, path).settings_hash
    moved = validate(paper | {"data": {"folder": "elsewhere"}, "preset": "other"})
    assert find(paper, path).settings_hash == find(moved, path).settings_hash


def test_a_run_asked_for_twice_is_refused(paper):
    block = {"datasets": ["gesture"], "methods": ["fd_tse"], "epsilon": [20], "seeds": [0]}
    with pytest.raises(UserError, match=r"table1\[1\]: the run table1/gesture/fd_tse/eps20/seed0 is asked for twice"):
        runs(with_blocks(paper, block, block))


def test_more_members_than_epochs_is_refused_with_its_place(paper):
    config = validate(paper | {"training": paper["training"] | {"members": 200}})
    with pytest.raises(UserError, match=r"table1\[0\]: gesture, edst_rg: more members than epochs allow: 200 members"):
        runs(config)


def test_unknown_names_are_answered_with_near_ones(paper):
    with pytest.raises(UserError, match='unknown experiment "tabel2"; did you mean "table2"'):
        runs(paper, "tabel2")
    with pytest.raises(
        UserError, match='no run "table1/gesture/fd_tse/eps20/seed9" in preset paper; did you mean "table1'
    ):
        find(paper, "table1/gesture/fd_tse/eps20/seed9")
    with pytest.raises(UserError, match=r"the first of \d+ is table1/gesture/edst_rg"):
        find(paper, "?")


def test_without_experiments_there_is_no_run_to_name(paper):
    with pytest.raises(UserError, match='no run "table1/x": preset paper has no experiments'):
        find(paper | {"experiments": {}}, "table1/x")


def test_data_of_ones_own_is_part_of_a_runs_settings(paper, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "mine.csv"
    block = {"datasets": ["mine"], "methods": ["fd_tse"], "epsilon": [10], "seeds": [0]}
    mine = paper["datasets"]["gesture"] | {"source": {"path": "mine.csv", "target": "y"}, "split": "random"}
    config = validate(paper | {"datasets": {"mine": mine}, "experiments": {"table1": [block]}})
    tables = []
    for text in ("a,y\n1,p\n2,q\n", "a,y\n1,q\n2,p\n\n"):
        file.write_text(text)
        tables.append(data_of(config, "mine")["table"])
    assert tables[0] != tables[1]
    (spec,) = runs(config, "table1")
    assert spec.settings["data"]["table"] == tables[1]
