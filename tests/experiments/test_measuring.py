"""What is measured beside runs, on a small made-up dataset, against obvious versions of the same numbers."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.spatial.distance import cdist

from truly_sparse.data.arrays import load
from truly_sparse.engine import topology
from truly_sparse.ensembles.trainer import Data, Trainer, predict_members
from truly_sparse.errors import UserError
from truly_sparse.experiments import measurements
from truly_sparse.experiments.configuration import DATA_KEYS, training_of, validate
from truly_sparse.experiments.grid import find
from truly_sparse.experiments.jobs import measurement_job
from truly_sparse.experiments.measuring import distances, lambdas, member_topology, scalability, trajectories
from truly_sparse.experiments.measuring import topology as topological
from truly_sparse.experiments.measuring.trained import HIDDEN, converged, settings_of
from truly_sparse.experiments.run import run
from truly_sparse.files import sha256
from truly_sparse.measure.topology_distance import topology_distances, topology_of

METHODS = ["edst_rg", "rd_tse", "fd_tse", "dist_tse"]
EXPLORATION, EPOCHS = 4, 8


@pytest.fixture
def config(tmp_path, monkeypatch):
    """A configuration that measures everything on a prepared dataset of three classes."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    x = rng.normal(size=(3, 10))[y] + rng.normal(size=(300, 10))
    path = tmp_path / "data/toy.parquet"
    path.parent.mkdir()
    pq.write_table(pa.table({f"f{i}": x[:, i] for i in range(10)} | {"target": y}), path)
    about = {"sha256": sha256(path), "classes": ["a", "b", "c"], "source": "made up", "partial": "300 of 400 rows"}
    path.with_suffix(".json").write_text(json.dumps(about))
    toy = {"datasets": ["toy"], "epsilon": 3}
    return validate(
        {
            "study": "journal",
            "preset": "test",
            "training": {
                "hidden_layer_sizes": [40, 30],
                "members": 2,
                "epochs": EPOCHS,
                "exploration_epochs": EXPLORATION,
                "batch_size": 16,
                "learning_rate": 0.01,
                "distance_samples": 20,
                "distance_max_draws": 2000,
            },
            "datasets": {"toy": {}, "other": {}},
            "methods": {
                name: {"model": "sparse", "strategy": name, "training": {"refinement": "eta"}}
                if name == "edst_rg"
                else {"model": "sparse", "strategy": name}
                for name in METHODS
            },
            "measurements": {
                "scalability": {"sizes": [50, 80], "epsilon": 3, "repetitions": 2},
                "distances": {**toy, "method": "dist_tse", "draws": [5, 30]},
                "lambdas": {**toy, "method": "dist_tse", "repetitions": 8, "distance_factors": [0.0, 1.5]},
                "trajectories": {
                    **toy,
                    "methods": METHODS,
                    "members": 2,
                    "perplexity": 3,
                    "epochs": EPOCHS,
                    "exploration_epochs": EXPLORATION,
                },
                "topology": {**toy, "methods": METHODS, "networks": 3, "epochs": 6},
                "member_topology": {**toy, "datasets": {"toy": 2}, "methods": METHODS},
            },
            "experiments": {
                "table1": [{"datasets": ["toy"], "methods": ["rd_tse"], "epsilon": [3], "seeds": [0]}],
            },
        }
    )


def taken(config, module):
    name = module.__name__.rpartition(".")[2]
    return module.measure(config["measurements"][name], config)


def dense(n_in, n_out, links, values):
    matrix = np.zeros(n_in * n_out)
    matrix[links] = values
    return matrix.reshape(n_in, n_out)


def test_distances_are_those_of_dense_matrices(config):
    frame = taken(config, distances)
    assert frame.groupby("draws").size().to_dict() == {5: 5, 30: 30}
    assert set(frame["partial"]) == {"300 of 400 rows"}
    training = settings_of(config, "toy", "dist_tse", epsilon=3)
    network, _ = converged(config, "toy", training, EXPLORATION, 0)
    block = network.blocks[HIDDEN]
    keep = topology.survivors(block.values, training["restart_prune_fraction"])
    before = dense(40, 30, block.links(), block.values)
    rng = np.random.default_rng([0, 30])
    for row in frame[frame["draws"] == 30].itertuples():
        links = topology.grow(block.links()[keep], int((~keep).sum()), block.places, rng)
        values = topology.start_values(len(links), network.bounds[block.pair], rng)
        after = dense(40, 30, np.r_[block.links()[keep], links], np.append(np.compress(keep, block.values), values))
        pairs = cdist(before, after)
        assert row.row_wise == pytest.approx(np.trace(pairs[:30, :30]) + pairs[range(30, 40), range(30, 40)].sum())
        assert row.all_pairs == pytest.approx(pairs.sum())


def test_a_search_takes_more_draws_with_a_larger_lambda(config):
    frame = taken(config, lambdas)
    assert len(frame) == 2 * 2 * 8
    assert frame["found"].all()
    assert (frame["draws"] > 20).all()
    assert (frame["cpu_seconds"] > 0).all()
    mean = frame.groupby("lambda")["draws"].mean()
    assert mean[1.5] > mean[0.0]
    again = taken(config, lambdas)
    times = ["seconds", "cpu_seconds"]
    pd.testing.assert_frame_equal(frame.drop(columns=times), again.drop(columns=times))


def test_a_search_that_finds_nothing_is_counted(config):
    config["training"]["distance_max_draws"] = 3
    config["measurements"]["lambdas"]["distance_factors"] = [40.0]
    frame = taken(config, lambdas)
    assert not frame["found"].any()
    assert set(frame["draws"]) == {23}


def test_trajectories_show_networks_as_epochs_left_them(config):
    frame = taken(config, trajectories)
    assert frame.groupby("method").size().to_dict() == dict.fromkeys(METHODS, EPOCHS)
    assert np.isfinite(frame[["x", "y"]].to_numpy()).all()
    # Each method trains on its own from the start, in one embedding.
    assert len(frame[["x", "y"]].drop_duplicates()) == len(frame)
    # A member that is the last state of its window has the accuracy that the trajectory ends with.
    data = load("toy", config["data"], {key: config["datasets"]["toy"][key] for key in DATA_KEYS}, 0)
    shown = Data(data.x_train, data.y_train, data.x_validation, data.y_validation, 3)
    training = training_of(config, "toy", "fd_tse") | {"epsilon": 3, "selection": "last"}
    trainer = Trainer(shown, training, "sparse", "fd_tse", METHODS.index("fd_tse"))
    trainer.run()
    ends = frame[(frame["method"] == "fd_tse") & frame["epoch"].isin([6, 8])]
    correct = predict_members(trainer.members, data.x_test).argmax(axis=2) == data.y_test
    assert ends["accuracy"].tolist() == pytest.approx(correct.mean(axis=1).tolist())
    assert ends["member"].tolist() == [0, 1]
    pd.testing.assert_frame_equal(frame, taken(config, trajectories))


def test_too_few_outputs_for_the_perplexity_is_one_line(config):
    config["measurements"]["trajectories"]["perplexity"] = 40
    with pytest.raises(UserError, match=r"trajectories: 32 different outputs are too few for perplexity 40; lower"):
        taken(config, trajectories)


def test_disjoint_methods_share_with_their_predecessor_only_what_survives(config):
    frame = taken(config, topological)
    assert frame["distance"].between(0, 1).all()
    own = frame[frame["converged"] == frame["reinitialised"]]
    network, _ = converged(config, "toy", settings_of(config, "toy", "rd_tse", epsilon=3), 6, 0)
    survive = topology.survivors(network.blocks[HIDDEN].values, 0.8).mean()
    first = own[own["converged"] == 0].set_index("method")["shared"]
    assert first["rd_tse"] == first["fd_tse"] == pytest.approx(survive)
    assert first["dist_tse"] >= survive
    # Each method draws its own regrowth, though three of them start from the same networks.
    assert frame.groupby("method")["distance"].apply(tuple).nunique() == 4
    assert (frame.groupby(["reinitialised", "method"]).size() == 3).all()


def test_little_pruned_is_close_to_its_predecessor_and_not_to_others(config):
    config["training"]["restart_prune_fraction"] = 0.1
    frame = taken(config, topological)
    own = frame["converged"] == frame["reinitialised"]
    assert (frame[own].groupby("method")["distance"].max() < frame[~own].groupby("method")["distance"].min()).all()
    assert (frame[own].groupby("method")["shared"].min() >= 0.9).all()


def test_members_are_those_of_a_run_and_compared_in_pairs(config):
    frame = taken(config, member_topology)
    assert frame.groupby(["method", "seed"]).size().to_dict() == {
        (name, seed): 1 for name in METHODS for seed in (0, 1)
    }
    assert frame["distance"].between(0, 1, inclusive="neither").all()
    assert set(frame["block"]) == {0}
    spec = find(config, "table1/toy/rd_tse/eps3/seed0")
    folder = run(config, spec).parent
    first, second = (dict(np.load(folder / f"member_{number}.npz")) for number in (0, 1))
    mine = frame[(frame["method"] == "rd_tse") & (frame["seed"] == 0)].iloc[0]
    blocks = [topology_of(each)[HIDDEN] for each in (first, second)]
    places = [set(zip(*(of_links.tolist() for of_links in block.nonzero()), strict=True)) for block in blocks]
    assert mine["shared"] == len(places[0] & places[1]) / len(places[0])
    assert mine["links"] == len(places[0])
    assert mine["distance"] == topology_distances(topology_of(first)[:2], topology_of(second)[:2])[1]


def test_members_of_three_hidden_layers_are_compared_in_both_blocks(config):
    config["training"]["hidden_layer_sizes"] = [20, 15, 10]
    config["training"] |= {"members": 3, "epochs": 10}
    frame = taken(config, member_topology)
    assert (frame.groupby(["method", "seed", "block"]).size() == 3).all()
    assert set(zip(frame["one"], frame["other"], strict=True)) == {(0, 1), (0, 2), (1, 2)}
    assert set(frame["block"]) == {0, 1}


def test_scalability_counts_draws_and_memory(config):
    frame = taken(config, scalability)
    assert len(frame) == 2 * 5 * 2
    far = frame["method"] == "dist_tse"
    assert (frame.loc[far, "draws"] > 20).all()
    assert frame.loc[~far, "draws"].isna().all()
    assert (frame["cpu_seconds"] > 0).all()
    # 24 bytes a link: value, velocity, target, source, position and less than one pointer.
    assert frame["block_bytes"].between(20 * frame["links"], 20 * frame["links"] + 16 * (frame["n"] + 1)).all()


@pytest.mark.parametrize(("kind", "name"), [("dataset", "toi"), ("method", "rd_tsee")])
def test_unknown_names_are_one_line(config, kind, name):
    config["measurements"]["topology"][f"{kind}s"] = [name]
    with pytest.raises(UserError, match=f'a measurement asks for the unknown {kind} "{name}"; did you mean'):
        taken(config, topological)


def test_divergence_is_one_line(config):
    config["training"]["learning_rate"] = 1e30
    with pytest.raises(UserError, match="measured network on toy: the loss became infinite"):
        taken(config, distances)


def test_a_measurement_depends_on_the_datasets_and_methods_it_names(config):
    names = ("distances", "topology", "scalability")
    before = {name: measurements.hashes(config, name)["settings_hash"] for name in names}

    def changed():
        return {name for name in names if measurements.hashes(config, name)["settings_hash"] != before[name]}

    config["datasets"]["other"]["scaling"] = "none"
    assert changed() == set()
    config["methods"]["fd_tse"]["training"] = {"prune_fraction": 0.3}
    assert changed() == {"topology"}
    config["datasets"]["toy"]["scaling"] = "none"
    assert changed() == {"topology", "distances"}


def test_a_measurement_is_stored_while_it_is_current(config):
    path = measurement_job.measure(config, "distances")
    stored = measurements.store(config, "distances", check=lambda: None)
    assert stored.read_bytes() == path.read_bytes()
    frame, about = measurements.read(config, "distances")
    assert len(frame) == 35
    assert about["threads"]["pinned"] in (True, False)
    config["training"]["restart_prune_fraction"] = 0.7
    with pytest.raises(UserError, match="of other settings or code; run `snakemake --cores 1 measure_distances`"):
        measurements.read(config, "distances")
