"""The registry: every key checked, every set of the paper in it, and settings that contradict it refused."""

import math
import os
from pathlib import Path

import pandas as pd
import pytest
import yaml

from truly_sparse.data import registry
from truly_sparse.data.arrays import load
from truly_sparse.data.prepare import about_of, prepare
from truly_sparse.errors import UserError

ROOT = Path(__file__).parents[2]
MIRROR = os.environ.get("TRULY_SPARSE_MIRROR")
SPLIT = {"scaling": "standard", "split": "random", "test_fraction": 0.2, "validation_fraction": 0.2, "stratify": True}
PARTS = {"jannis", "MiniBooNE", "higgs"}
SUITE_337 = {
    "credit": 44089,
    "electricity": 44120,
    "pol": 44122,
    "house_16H": 44123,
    "MagicTelescope": 44125,
    "bank-marketing": 44126,
    "MiniBooNE": 44128,
    "eye_movements": 44130,
    "Bioresponse": 45019,
    "default-of-credit-card-clients": 45020,
    "jannis": 45021,
    "Diabetes130US": 45022,
    "heloc": 45026,
    "california": 45028,
}


def test_the_registry_holds_every_set_of_the_papers():
    datasets = registry.read()
    images = {"fashion_mnist", "cifar10", "cifar100"}
    assert set(datasets) == {*SUITE_337, *images, "gesture", "higgs", "digits", "breast_cancer", "wine"}
    for name in images:
        entry = datasets[name]
        assert sum(entry["class_counts"].values()) == entry["rows"]
        assert math.prod(entry["shape"]) == entry["features"]
        assert entry["test_rows"] == 10000
    for name, number in SUITE_337.items():
        entry = datasets[name]
        assert [source["openml"] for source in entry["sources"] if "openml" in source] == [number]
        assert sum(entry["class_counts"].values()) == entry["rows"]
        assert len(set(entry["class_counts"].values())) == 1, "the benchmark balances its classes"


def test_sizes_are_those_of_journal_table_7():
    printed = pd.read_csv(ROOT / "config/published/journal_table7.csv").pivot_table("published", "dataset", "metric")
    datasets = registry.read()
    assert set(printed.index) == set(SUITE_337)
    for name, row in printed.iterrows():
        assert (datasets[name]["rows"], datasets[name]["features"]) == (row["samples"], row["features"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("datasets: [", "not a readable registry"),
        ("datasets: {toy: null}", "datasets.toy: expected a mapping"),
        ("datasets: {toy: {reader: table, rows: 1}}", 'the key "sources" is missing'),
        ("wrong: {}", 'unknown key "wrong"; did you mean|known: datasets'),
    ],
)
def test_broken_registries_are_refused_in_one_line(toy, text, words):
    toy.registry.write_text(text)
    with pytest.raises(UserError, match=words) as error:
        toy.prepare()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"row": 3}, 'unknown key "row"; did you mean "rows"'),
        ({"files": {"toy.csv": "abc"}}, r"files\.toy\.csv: "),
        ({"reader": "tabel"}, 'did you mean "table"'),
        ({"rows": 0}, "rows: 0 is not possible; must be at least 1"),
        ({"sources": []}, "sources: must not be empty"),
        ({"sources": [{"name": "nothing"}]}, "a source needs one of mirror"),
        ({"sources": [{"mirror": "a", "zip": "b"}]}, "a source needs one of mirror"),
        ({"target": "sort"}, "has no column sort; its columns are size, count, kind"),
        ({"features": 3}, "has 2 features, the registry says 3"),
        ({"class_counts": {"no": 21, "yes": 19}}, "has classes .*'no': 20.* the registry says"),
        ({"class_counts": {"no": 20, "Yes": 20}}, "has a class 'yes' where the registry knows the classes no, Yes"),
    ],
)
def test_an_entry_that_does_not_fit_is_refused_in_one_line(toy, changes, words):
    toy.write(**changes)
    with pytest.raises(UserError, match=words) as error:
        toy.prepare()
    assert "\n" not in str(error.value)
    assert toy.nothing_left()


def test_another_spelling_of_a_class_can_be_registered(toy):
    toy.write(labels={"yes": "1", "no": "0"}, class_counts={"1": 20, "0": 20})
    assert pd.read_parquet(toy.prepare())["target"].tolist() == [1, 0] * 20


def test_unknown_datasets_are_refused():
    with pytest.raises(UserError, match='did you mean "gesture"'):
        registry.entry("gestures")


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("wine", {"rows": 10}, r"datasets\.wine\.rows: wine is read whole"),
        ("higgs", {"rows": 0}, r'datasets\.higgs\.rows: "0" is not possible; a number up to 11000000, or all'),
        ("higgs", {"rows": "most"}, '"most" is not possible'),
        ("wine", {"missing": "median"}, "for your own data"),
        ("mine", {"source": {"target": "y"}}, "needs either path or openml"),
        ("mine", {"source": {"target": "y", "path": "a", "openml": 1}}, "needs either path or openml"),
        ("mine", {"source": {"target": "y", "path": "a"}, "rows": 3}, "read whole"),
    ],
)
def test_settings_that_contradict_are_refused(name, settings, words):
    with pytest.raises(UserError, match=words):
        registry.entry(name, settings)


def test_rows_of_a_stream_can_be_chosen():
    taken = [registry.entry("higgs", {"rows": rows})["take"] for rows in (None, 1000, "1000", "all")]
    assert taken == [155000, 1000, 1000, None]


@pytest.mark.parametrize(
    ("name", "rows", "features", "classes"),
    [("digits", 1797, 64, 10), ("breast_cancer", 569, 30, 2), ("wine", 178, 13, 3)],
)
def test_bundled_sets_are_what_the_registry_says(tmp_path, name, rows, features, classes):
    prepare(name, {"folder": str(tmp_path)})
    arrays = load(name, {"folder": str(tmp_path)}, SPLIT, 0)
    assert arrays.info["rows"] == rows
    assert arrays.x_train.shape[1] == features
    assert len(arrays.classes) == classes


@pytest.mark.skipif(MIRROR is None, reason="TRULY_SPARSE_MIRROR names no mirror folder")
@pytest.mark.parametrize("name", sorted(set(SUITE_337) | {"higgs"}))
def test_the_real_mirror(tmp_path, name):
    config = {"folder": str(tmp_path), "mirror": MIRROR, "download": False}
    if name in PARTS:
        with pytest.raises(UserError, match=r"has only .* of .* rows.*allow_partial"):
            prepare(name, config)
        assert " of " in about_of(prepare(name, config | {"allow_partial": True}))["partial"]
    else:
        assert about_of(prepare(name, config))["order"] == "as registered"


def test_the_schema_describes_every_key():
    schema = yaml.safe_load((ROOT / "workflow/schemas/datasets.schema.yaml").read_text())
    for part in ("dataset", "source"):
        assert schema["$defs"][part]["additionalProperties"] is False
        assert all(one["description"].endswith(".") for one in schema["$defs"][part]["properties"].values())
