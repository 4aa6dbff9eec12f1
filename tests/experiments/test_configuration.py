"""Configuration files: defaults, and one clear line for everything that cannot be."""

import json
import re
from pathlib import Path

import pytest
import yaml

from truly_sparse.errors import UserError
from truly_sparse.experiments.configuration import (
    ALL_DATA_KEYS,
    by_study,
    check_run,
    load_config,
    load_configs,
    results_folder,
    study_names,
    training_of,
    validate,
)
from truly_sparse.experiments.configuration_schema import fill, read_texts, schema
from truly_sparse.experiments.grid import runs
from truly_sparse.schema import read_yaml
from truly_sparse.training.config import DENSITIES

ROOT = Path(__file__).parents[2]
SMALL = """
study: journal
preset: small
datasets: {digits: {training: {negative_slope: 1}}}
methods:
  fd_tse: {model: sparse, strategy: fd_tse}
  dense: {model: dense, training: {members: 1, activation: relu, negative_slope: 0}}
experiments:
  table1:
    - {datasets: [digits], methods: [fd_tse], epsilon: [10, 20], seeds: [0]}
    - {datasets: [digits], methods: [dense], seeds: [0]}
"""


def small(**replaced):
    """The small configuration, with whole sections replaced."""
    return yaml.safe_load(SMALL) | replaced


@pytest.mark.parametrize("folder", ["config", "config/quick"])
@pytest.mark.parametrize("study", study_names())
def test_shipped_files_are_valid_and_stay_so(folder, study):
    config = load_config(ROOT / folder / f"{study}.yaml")
    assert config["study"] == study
    assert validate(config) == config


@pytest.fixture
def shipped(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.mark.usefixtures("shipped")
def test_a_preset_stands_for_its_studies_and_replaces_what_it_says():
    full, quick = load_configs(), load_configs(["config/quick.yaml"])
    assert [config["study"] for config in full] == [config["study"] for config in quick] == list(study_names())
    assert full == [load_config(f"config/{name}.yaml") for name in study_names()]
    assert {str(results_folder(config)) for config in full} == {f"results/{name}" for name in study_names()}
    assert {str(results_folder(config)) for config in quick} == {f"results/quick/{name}" for name in study_names()}
    changed = [validate(content) for _, content in by_study({"preset": "quick", "training": {"epochs": 42}})]
    assert {config["training"]["epochs"] for config in changed} == {42}
    assert [config["training"]["hidden_layer_sizes"] for config in changed] == [
        config["training"]["hidden_layer_sizes"] for config in quick
    ]
    (one,) = load_configs(["config/quick/journal.yaml"])
    assert [one] == [config for config in quick if config["study"] == "journal"]


def test_a_file_that_names_no_study_and_no_preset_is_one_line(tmp_path):
    (tmp_path / "c.yaml").write_text("preset: mine\n")
    with pytest.raises(UserError, match=r'c\.yaml: the key "study" is missing, and config/mine holds no configuration'):
        load_configs([tmp_path / "c.yaml"])
    (tmp_path / "c.yaml").write_text("preset: ../mine\n")
    with pytest.raises(UserError, match=r'c\.yaml: the key "study" is missing'):
        load_configs([tmp_path / "c.yaml"])


def test_paper_file_states_every_default():
    stated = yaml.safe_load((ROOT / "config/journal.yaml").read_text())["training"]
    assert stated == fill({}, schema()["$defs"]["training"], schema())


def test_defaults_are_filled_but_overrides_stay_partial():
    config = validate(small())
    assert config["training"]["epochs"] == 350
    assert config["data"] == {"folder": "data", "mirror": None, "download": True, "allow_partial": False}
    assert config["datasets"]["digits"]["validation_fraction"] == 0.2
    assert config["datasets"]["digits"]["training"] == {"negative_slope": 1.0}
    assert config["methods"]["fd_tse"]["training"] == {}


def test_a_method_wins_over_a_dataset_and_a_dataset_over_the_general_setting():
    config = validate(small())
    assert training_of(config, "digits", "fd_tse")["negative_slope"] == 1.0
    assert training_of(config, "digits", "dense")["negative_slope"] == 0.0


def test_a_number_has_one_type_however_it_is_written():
    one, other = (
        validate(small(training={"learning_rate": rate, "epochs": epochs})) for rate, epochs in [(1, 350.0), (1.0, 350)]
    )
    assert repr(one) == repr(other)


def blocks(**replaced):
    return {"table1": [{"datasets": ["digits"], "methods": ["fd_tse"], "epsilon": [20], "seeds": [0]} | replaced]}


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"trainin": {}}, 'c: unknown key "trainin"; did you mean "training"?'),
        ({"training": {"epoch": 3}}, 'c: training: unknown key "epoch"; did you mean "epochs"?'),
        (
            {"training": {"epochs": "2e2"}},
            'training.epochs: expected a whole number, found the text "2e2"; write 200.0',
        ),
        ({"training": None}, "c: training: expected a mapping of keys, found nothing"),
        ({"training": {"learning_rate": float("nan")}}, "training.learning_rate: nan is not a finite number"),
        ({"training": {"learning_rate": -0.1}}, "training.learning_rate: -0.1 is not possible; must be greater than 0"),
        ({"training": {"dropout": 1.0}}, "training.dropout: 1.0 is not possible; must be less than 1"),
        ({"training": {"prune_fraction": 1.5}}, "training.prune_fraction: 1.5 is not possible"),
        ({"training": {"restart_prune_fraction": 0}}, "training.restart_prune_fraction: 0 is not possible"),
        ({"training": {"epochs": True}}, "training.epochs: expected a whole number"),
        (
            {"training": {"selection": "best_valid"}},
            'selection: "best_valid" is not possible; did you mean "best_validation"?',
        ),
        ({"training": {"hidden_layer_sizes": []}}, "training.hidden_layer_sizes: must not be empty"),
        ({"datasets": {"digits": {"training": {"epsilon": 3}}}}, 'datasets.digits.training: unknown key "epsilon"'),
        ({"datasets": {"../x": {}}}, 'datasets: "../x" is not a possible name'),
        ({"datasets": {1: {}}}, 'datasets: the key 1 is not text; write "1" in quotes'),
        ({"study": "jurnal"}, 'c: study: unknown study "jurnal"; did you mean "journal"?'),
        ({"preset": "../../x"}, 'preset: "../../x" is not a possible name'),
        ({"preset": "a\n"}, "preset: 'a\\n' holds a line break"),
        (
            {"experiments": blocks(epsilon=[20, 0])},
            "experiments.table1[0].epsilon[1]: 0 is not possible; must be greater",
        ),
        ({"experiments": blocks(epsilon=[20, 20])}, "experiments.table1[0].epsilon: a value is listed twice"),
        (
            {"experiments": blocks(datasets=["digit"])},
            'table1[0].datasets: unknown dataset "digit"; did you mean "digits"?',
        ),
        (
            {"experiments": blocks(methods=["fdtse"])},
            'table1[0].methods: unknown method "fdtse"; did you mean "fd_tse"?',
        ),
        ({"experiments": blocks(methods=["dense"])}, 'the dense method "dense" has no epsilon'),
        ({"experiments": blocks(seeds=[-1])}, "experiments.table1[0].seeds[0]: -1 is not possible; must be at least 0"),
        (
            {"experiments": blocks(distance_facter=[1])},
            'experiments.table1[0]: unknown key "distance_facter"; did you mean "distance_factor"?',
        ),
        (
            {"methods": {"fd_tse": {"model": "spars"}}},
            'methods.fd_tse.model: "spars" is not possible; did you mean "sparse"?',
        ),
        ({"methods": {"fd_tse": {"strategy": "none"}}}, 'methods.fd_tse: the key "model" is missing'),
        (
            {"methods": {"fd_tse": {"model": "sparse", "strategy": "fdtse"}}},
            'methods.fd_tse.strategy: unknown strategy "fdtse"; did you mean "fd_tse"?',
        ),
        ({"methods": {"fd_tse": {"model": "dense", "strategy": "fd_tse"}}}, '"fd_tse" regrows links'),
    ],
)
def test_what_cannot_be_is_one_line_with_its_place(replaced, message):
    with pytest.raises(UserError) as refused:
        validate(small(**replaced), where="c")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_sparse_method_needs_epsilon():
    block = blocks()
    del block["table1"][0]["epsilon"]
    with pytest.raises(UserError, match='sparse method "fd_tse" needs a list of epsilon'):
        validate(small(experiments=block))


@pytest.mark.parametrize(
    ("members", "epochs", "exploration", "strategy", "problem"),
    [
        (5, 350, 100, "fd_tse", None),
        (1, 350, 350, "none", None),
        (5, 60, 60, "independent", None),
        (300, 350, 100, "fd_tse", "more members than epochs allow"),
        (5, 109, 100, "fd_tse", "more members than epochs allow"),
        (5, 352, 100, "fd_tse", "cannot share the epochs equally"),
        (5, 50, 100, "fd_tse", "exploration_epochs 100 is more than epochs 50"),
        (5, 50, 100, "independent", "exploration_epochs 100 is more than epochs 50"),
        (2, 350, 350, "none", "which trains one network"),
    ],
)
def test_members_and_epochs_must_agree(members, epochs, exploration, strategy, problem):
    training = {"members": members, "epochs": epochs, "exploration_epochs": exploration, "selection": "last"}
    found = check_run(training | {"epsilon": 5.0}, "sparse", strategy, {"validation_fraction": 0.0})
    assert found is None if problem is None else problem in found


def test_the_best_epoch_needs_validation_rows():
    training = validate(small())["training"] | {"epsilon": 5.0}
    assert "needs validation rows" in check_run(training, "sparse", "fd_tse", {"validation_fraction": 0.0})
    assert check_run(training, "sparse", "fd_tse", {"validation_fraction": 0.2}) is None
    on_test = {"validation_fraction": 0.0, "validation": "test"}
    assert check_run(training, "sparse", "fd_tse", on_test) is None
    assert "no rows are held out" in check_run(training, "sparse", "fd_tse", on_test | {"validation_fraction": 0.1})


def test_a_key_that_is_written_twice_is_one_line(tmp_path):
    file = tmp_path / "twice.yaml"
    file.write_text("study: journal\ntraining: {epochs: 8,\n  epochs: 6}\n")
    words = r'twice\.yaml: not valid YAML \(the key "epochs" is written twice, in lines 2 and 3\)'
    with pytest.raises(UserError, match=words):
        load_config(file)


def test_a_mapping_may_replace_keys_of_those_that_are_merged_into_it(tmp_path):
    file = tmp_path / "merged.yaml"
    file.write_text("a: &a {x: 1, y: 2}\nb: &b {<<: *a, x: 3}\nc: {<<: *b, y: 4}\nd: {<<: *b}\n")
    assert read_yaml(file) == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 3, "y": 2},
        "c": {"x": 3, "y": 4},
        "d": {"x": 3, "y": 2},
    }


def test_the_documented_change_of_one_value_is_possible():
    text = (ROOT / "config/README.md").read_text(encoding="utf-8")
    (given,) = re.findall(r'`--config training="(\{.*?\})"`', text)
    for preset in ({}, {"preset": "quick"}):
        for where, content in by_study({"training": yaml.safe_load(given)} | preset):
            assert runs(validate(content, where)), where


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(UserError, match=r"absent\.yaml: cannot read"):
        load_config(tmp_path / "absent.yaml")
    (tmp_path / "broken.yaml").write_text("a: [1,\nb: {")
    with pytest.raises(UserError, match=r"broken\.yaml: not valid YAML"):
        load_config(tmp_path / "broken.yaml")
    (tmp_path / "empty.yaml").write_text("")
    with pytest.raises(UserError, match=r"empty\.yaml: expected a mapping of keys, found nothing"):
        load_config(tmp_path / "empty.yaml")


@pytest.mark.parametrize("text", ["5e-05", "5e-5", "0.00005", "5.0e-05", "+5E-5"])
def test_a_small_number_is_one_in_yaml_and_in_json(tmp_path, text):
    path = tmp_path / "small.yaml"
    path.write_text(SMALL + f"training: {{weight_decay: {text}}}\n", encoding="utf-8")
    config = load_config(path)
    assert config["training"]["weight_decay"] == 5e-5
    written = tmp_path / "written.json"
    written.write_text(json.dumps(config), encoding="utf-8")
    assert load_config(written) == config


def test_text_from_the_command_line_becomes_what_the_schema_asks_for():
    given = {
        "training": {"epochs": "40", "decay_times_learning_rate": "true"},
        "data": {"mirror": "7"},
        "reuse_records": "x",
    }
    read = read_texts(given, schema(), schema())
    assert read["training"] == {"epochs": 40, "decay_times_learning_rate": True}
    assert read["data"]["mirror"] == "7"
    assert read["reuse_records"] == "x"


def default_is_told(one):
    return "default" in one or "Where it is left out, it is " in one["description"]


def test_every_key_is_described_and_has_a_default_or_is_required():
    root = schema()
    for name, part in {"top": root, **root["$defs"]}.items():
        if part.get("type") != "object":
            continue
        assert part["additionalProperties"] is False, name
        for key, one in part["properties"].items():
            assert one["description"].endswith("."), f"{name}.{key}"
            assert name == "block" or key in part.get("required", []) or default_is_told(one), f"{name}.{key}"


def test_every_training_key_can_be_a_grid_axis():
    parts = schema()["$defs"]
    axes = set(parts["block"]["properties"]) - {"datasets", "methods", "seeds", *DENSITIES}
    of_data = {*ALL_DATA_KEYS} - {"test_fraction", "stratify"}
    assert axes == set(parts["training"]["properties"]) | of_data
