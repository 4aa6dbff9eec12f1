"""The settings of training: what is said once must be what the schema, the checks and the loop make of it."""

import dataclasses
import math

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truly_sparse.errors import UserError
from truly_sparse.training.config import DENSITIES, TrainingConfig, contradiction, density_schemas, schema, settled
from truly_sparse.training.settings import Setting, settings_of

SETTINGS = {name: (one, default) for name, one, default in settings_of(TrainingConfig)}
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.integers(), st.floats(), st.text(max_size=5),
    st.lists(st.integers(-2, 60), max_size=3), st.sampled_from(["he", "relu", "last", "steps", "eta", "row_wise"]),
)  # fmt: skip


def test_every_field_is_a_setting_with_a_text_and_a_possible_default():
    assert {field.name.rstrip("_") for field in dataclasses.fields(TrainingConfig)} == set(SETTINGS)
    for name, (one, default) in SETTINGS.items():
        assert one.text.endswith("."), name
        assert name in DENSITIES or one.check(name, default) == default


def refusal(name, value):
    try:
        SETTINGS[name][0].check(name, value)
    except UserError as error:
        return str(error)
    return None


@given(st.sampled_from(sorted(SETTINGS)), VALUES)
def test_the_schema_and_the_check_refuse_the_same(name, value):
    """But for truth values, which Python takes for 0 and 1, and a number instead of a list of one."""
    one, _ = SETTINGS[name]
    # A number that is not finite comes through no configuration: reading refuses it.
    finite = not isinstance(value, float) or math.isfinite(value)
    by_schema = finite and jsonschema.Draft202012Validator(one.schema()).is_valid(value)
    said = refusal(name, value)
    assert said is None or ("\n" not in said and said.startswith(f"{name} is {value!r}; give "))
    lenient = isinstance(value, bool) or (one.kind is tuple and isinstance(value, int | float))
    assert (said is None) == by_schema or lenient


def test_a_setting_takes_the_type_it_has():
    number, whole, layers = Setting(float, "", least=0, most=5), Setting(int, "", least=0), Setting(tuple, "", least=1)
    assert repr(number.check("x", 2)) == "2.0"
    assert repr(whole.check("x", np.int64(3))) == repr(whole.check("x", 3.0)) == "3"
    assert layers.check("x", np.array([3, 4])) == (3, 4)
    assert layers.check("x", 7) == (7,)
    assert Setting(bool, "").check("x", np.True_) is True
    assert number.check("x", "auto", automatic=True) == "auto"
    with pytest.raises(UserError, match=r"x is .auto.; give a number that is at least 0 and at most 5$"):
        number.check("x", "auto")
    with pytest.raises(UserError, match=r'x is 2\.5; give a whole number that is at least 0, or "auto"'):
        whole.check("x", 2.5, automatic=True)


def test_the_schema_has_what_a_configuration_may_say():
    properties = schema()["properties"]
    assert set(SETTINGS) - set(properties) == {*DENSITIES}
    assert properties["distance_factor"] == {
        "description": "Dist-TSE accepts a new topology at a distance of at least mean + factor (lambda) * sd.",
        "type": "number",
        "minimum": 0,
        "maximum": 1000,
        "default": 1.5,
    }
    assert properties["hidden_layer_sizes"]["default"] == [1000, 1000, 1000]
    epsilon = density_schemas()["epsilon"]
    assert epsilon.pop("description").startswith("Density")
    assert epsilon == {"type": "number", "exclusiveMinimum": 0, "maximum": 1_000_000}
    # What came later is not filled in, so that the settings of earlier runs stay what they are.
    assert all(("default" in properties[name]) != SETTINGS[name][0].added for name in properties)


def test_what_came_later_is_in_settings_where_it_is_not_the_default():
    assert settled({"l1": 0.0, "patience": 0, "optimiser": "sgd", "epochs": 350, "links": None}) == {"epochs": 350}
    assert settled({"l1": 0.1, "patience": 4}) == {"l1": 0.1, "patience": 4}


@pytest.mark.parametrize(
    ("model", "settings", "said"),
    [
        ("sparse", {"epsilon": 2.0}, None),
        ("sparse", {"compression": 2.0, "shortcut_ratio": 0.5, "optimiser": "adam", "l1": 0.1}, None),
        ("dense", {}, None),
        ("sparse", {}, "a sparse model needs one of epsilon, compression, links, found none"),
        ("sparse", {"epsilon": 2.0, "links": 9}, "found epsilon and links"),
        ("sparse", {"epsilon": 2.0, "l1": 0.1}, "l1 0.1 needs optimiser adam"),
        ("sparse", {"epsilon": 2.0, "keep_shortcut_ratio": False}, "needs pruning global"),
        ("dense", {"warmup_epochs": 2, "learning_rate_schedule": "hold_linear"}, None),
        (
            "dense",
            {"warmup_epochs": 2, "learning_rate_schedule": "cosine"},
            "cosine has no warm-up; set warmup_epochs 0",
        ),
        ("dense", {"warmup_epochs": 2, "learning_rate_schedule": "one_cycle"}, "one_cycle has no warm-up"),
        ("dense", {"patience": 2, "selection": "last"}, "patience looks for the best validation score"),
        ("dense", {"pruning": "global"}, "a dense model has no pruning"),
        ("dense", {"optimiser": "adam"}, None),
        ("dense", {"optimiser": "adam", "nesterov": True}, "nesterov needs optimiser sgd"),
        ("dense", {"shortcut_ratio": 0.5}, "a dense model has no shortcut_ratio"),
        ("dense", {"activation": "mish"}, "a dense model has no activation mish"),
    ],
)
def test_contradictory_settings_are_named(model, settings, said):
    found = contradiction(TrainingConfig(**settings), model)
    assert found is said if said is None else said in found


def test_a_mapping_becomes_settings_and_an_unknown_name_is_one_line():
    found = TrainingConfig.of({"hidden_layer_sizes": [3, 4], "distance_factor": 2.0})
    assert (found.hidden_layer_sizes, found.distance_factor, found.epochs) == ((3, 4), 2.0, 350)
    with pytest.raises(UserError, match='no training setting "lamda"; known: activation, '):
        TrainingConfig.of({"lamda": 1.0})
