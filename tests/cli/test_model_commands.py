"""`fit`, `predict`, `inspect` and `compare` as a user meets them."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.datasets import load_diabetes, load_iris

from truly_sparse import SparseMLPClassifier, TrulySparseEnsembleClassifier
from truly_sparse.cli import columns, models
from truly_sparse.cli.candidates import METHODS, RIVALS
from truly_sparse.cli.main import main
from truly_sparse.cli.model_commands import COMMANDS
from truly_sparse.estimators import load_model, table_files
from truly_sparse.estimators.ensemble import method_names

FILES = Path(__file__).parent / "files"
SMALL = ["--set", "members=2", "--set", "exploration_epochs=20", "--set", "member_epochs=10"]
FIT, COMPARE = ((command, "iris.csv", "--target", "species") for command in ("fit", "compare"))
STOP = ["--set", "early_stopping=True", "--set"]
NET = ["--set", "hidden_layer_sizes=40,30", "--set", "epsilon=5"]


@pytest.fixture
def iris(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = load_iris(as_frame=True)
    frame = data.frame.rename(columns={"target": "species"})
    frame["species"] = data.target_names[frame["species"]]
    frame["colour"] = np.where(frame["petal width (cm)"] > 1, "blue", "white")
    frame.loc[3, "colour"] = None
    frame.loc[5, "petal length (cm)"] = None
    frame.to_csv("iris.csv", index=False)
    return frame


def say(capsys, *words):
    assert main(list(words)) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def test_fit_predict_and_inspect(iris, capsys):
    said = say(capsys, "fit", "iris.csv", "--target", "species", "--test-fraction", "0.3", "--json", "--quiet", *NET)
    assert said["test_accuracy"] > 0.85
    assert (said["rows"], said["features"]) == (105, 5)
    model = load_model("model.npz")
    assert model.hidden_layer_sizes == [40, 30]
    assert model.feature_names_in_.tolist()[-2:] == ["petal width (cm)", "colour"]

    iris.drop(columns="species").to_csv("new.csv", index=False)
    say(capsys, "predict", "model.npz", "new.csv", "--output", "out.csv", "--probabilities", "--json")
    written = pd.read_csv("out.csv")
    assert (written["species"] == iris["species"]).mean() > 0.9
    chances = written.filter(like="probability of ")
    assert np.allclose(chances.sum(axis=1), 1)
    assert chances.columns[chances.to_numpy()[0].argmax()] == f"probability of {written['species'][0]}"

    shown = say(capsys, "inspect", "model.npz", "--plots", "figures", "--json")
    assert sum(shown["features"].values()) == pytest.approx(1)
    assert shown["summary"][-1]["links"] == said["links"]
    for name in ("degrees", "importances", "training"):
        with open(f"figures/{name}.png", "rb") as picture:
            assert picture.read(4) == b"\x89PNG"


def test_fractions_are_regressed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    x, y = load_diabetes(return_X_y=True, as_frame=True)
    x.assign(progress=y + 0.5).to_parquet("d.parquet")
    said = say(capsys, "fit", "d.parquet", "--target", "progress", "--json", "--quiet", *NET)
    assert said["estimator"] == "TrulySparseEnsembleRegressor"
    assert said["training_r2"] > 0.3
    assert main(["predict", "model.npz", "d.parquet"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(x) + 1


@pytest.mark.usefixtures("iris")
def test_compare_writes_a_table_and_a_figure(capsys):
    methods = ["set", "fd-tse", "mlp", "boosting"]
    changes = [*NET, "--set", "epochs=30", "--set", "member_epochs=5"]
    words = ["compare", "iris.csv", "--target", "species", "--methods", *methods, "--seeds", "2", *changes]
    said = say(capsys, *words, "--quiet", "--json")
    table = pd.read_csv("comparison/comparison.csv")
    assert sorted(table["method"]) == sorted(methods)
    assert [row["method"] for row in said["table"]] == table["method"].tolist()
    assert table["accuracy"].is_monotonic_decreasing
    assert (table["low"] <= table["accuracy"]).all()
    assert os.path.getsize("comparison/comparison.png") > 5000


def test_compare_regresses_fractions(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    x, y = load_diabetes(return_X_y=True, as_frame=True)
    x.assign(progress=y + 0.5).to_csv("d.csv", index=False)
    methods = ["rd-tse", "boosting", "mlp"]
    words = ["compare", "d.csv", "--target", "progress", "--methods", *methods, "--seeds", "2", *NET, *SMALL]
    rows = {row["method"]: row for row in say(capsys, *words, "--quiet", "--json")["table"]}
    assert set(rows) == set(methods)
    for row in rows.values():
        assert row["low"] <= row["r2"] <= row["high"] <= 1
        assert row["r2"] > 0.1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fit", "none.csv", "--target", "y"], "there is no file none.csv"),
        (["fit", "iris.csv", "--target", "kind"], "no column 'kind'; it has sepal length"),
        (["fit", "iris.csv", "--target", "colour"], "column colour of iris.csv is empty in 1 row"),
        ([*FIT, "--set", "depth=3"], "--set depth=3: give NAME=VALUE"),
        ([*FIT, "--method", "tse"], "method 'tse' is none of"),
        ([*FIT, "--task", "regress"], "holds text"),
        (["fit", "iris.txt", "--target", "species"], "unknown kind"),
        ([*FIT, "--set", "hidden_layer_sizes=wide"], "hidden_layer_sizes is 'wide'; give the neurons"),
        ([*FIT, "--set", "hidden_layer_sizes=20.5"], "hidden_layer_sizes is 20.5; give the neurons"),
        ([*FIT, "--set", "bins=many"], "bins is 'many'; give a whole number"),
        ([*FIT, "--set", "early_stopping=maybe"], "early_stopping is 'maybe'"),
        ([*FIT, *STOP, "patience=x"], "patience is 'x'; give a whole number"),
        ([*FIT, "--set", "random_state=a"], "use --seed for that"),
        (["fit", "iris.csv", "--target", "petal width (cm)", "--task", "classify"], "holds fractions"),
        (["fit", "endless.csv", "--target", "species"], "endless.csv holds infinite values in column sepal length"),
        (
            ["fit", "endless.csv", "--target", "species", "--stream"],
            "endless.csv holds infinite values in column sepal",
        ),
        (
            ["fit", "named.csv", "--target", "species", "--stream"],
            "column name holds 150 different texts; leave it out",
        ),
        (["fit", "iris.csv", "--target", "colour", "--stream"], "column colour of iris.csv is empty in 1 row(s)"),
        (["fit", "cut.csv.gz", "--target", "species"], "cut.csv.gz cannot be read: Compressed file ended"),
        (["fit", "cut.csv.gz", "--target", "species", "--stream"], "cut.csv.gz cannot be read: Compressed file ended"),
        (["fit", "spoilt.csv.gz", "--target", "species"], "spoilt.csv.gz cannot be read: Error -3 while decompressing"),
        (["predict", "old.npz", "cut.csv.gz"], "cut.csv.gz cannot be read: Compressed file ended"),
        (
            ["fit", "endless.csv", "--target", "sepal length (cm)"],
            "column sepal length (cm) of endless.csv holds infinite",
        ),
        (
            ["fit", "endless.csv", "--target", "sepal length (cm)", "--stream"],
            "column sepal length (cm) of endless.csv holds infinite values; replace them",
        ),
        (["compare", "endless.csv", "--target", "sepal length (cm)"], "column sepal length (cm) of endless.csv holds"),
        (["fit", "dates.parquet", "--target", "day"], "column day of dates.parquet holds dates or times; turn it into"),
        (["fit", "dates.parquet", "--target", "day", "--stream"], "column day of dates.parquet holds dates or times"),
        (["fit", "dates.parquet", "--target", "hour"], "column hour of dates.parquet holds dates or times; turn it"),
        ([*FIT, "--seed", "-1"], "--seed is -1; give 0 or more"),
        ([*FIT, "--test-fraction", "1"], "--test-fraction is 1.0; give a number"),
        ([*FIT, "--test-fraction", "0.999"], "of 150 row(s) 150 would be for the test, which leaves none to train on"),
        (
            ["fit", "iris.csv", "--target", "petal width (cm)", "--test-fraction", "0.005"],
            "--test-fraction 0.005 keeps one row, but R² needs two; raise it",
        ),
        ([*FIT, "--output", "figures"], "figures is a folder; name a file in it"),
        ([*FIT, "--output", "iris.csv/model.npz"], "iris.csv/model.npz cannot be written: "),
        (
            [*FIT, "--set", "class_weight={'setosa': 1j}"],
            "parameter class_weight holds a value of type complex, which a model file cannot; give numbers, text",
        ),
        ([*COMPARE, "--output", "iris.csv"], "cannot be written: "),
        ([*COMPARE, "--set", "depth=3"], "--set depth=3: give NAME=VALUE"),
        ([*COMPARE, "--seeds", "0"], "--seeds is 0; give 1 or more"),
        (["compare", "few.csv", "--target", "species"], "of 4 rows 3 would be to train on, but method mlp needs 13"),
        (
            ["compare", "few.csv", "--target", "petal width (cm)", "--methods", "fd-tse"],
            "of 4 row(s) 1 would be for the test, but R² needs two; give more rows",
        ),
        (["fit", "named.csv", "--target", "species"], "column name holds 150 different texts; leave it out"),
        (["predict", "old.npz", "endless.csv"], "endless.csv lacks 2 column(s) of training: a, b"),
        (["predict", "old.npz", "text.csv"], "column a of text.csv holds text, but was numbers in training"),
        (["inspect", "iris.csv", "--sparse"], "name the file with --onnx"),
        (["predict", "model.npz", "iris.csv"], "no model file model.npz"),
        (["predict", "iris.csv", "iris.csv"], "iris.csv is not a model file"),
        ([*COMPARE, "--methods", "svm"], "method 'svm' is none of the methods: "),
        (
            ["compare", "iris.csv", "--target", "petal width (cm)", "--methods", "set"],
            "none of the methods that regress",
        ),
    ],
)
def test_bad_input_is_said_in_one_line(words, message, iris, capsys):
    Path("figures").mkdir()
    whole = gzip.compress(Path("iris.csv").read_bytes())
    Path("cut.csv.gz").write_bytes(whole[:-40])
    Path("spoilt.csv.gz").write_bytes(whole[:30] + b"\xff" * 30 + whole[60:])
    days = pd.date_range("2020-01-01", periods=len(iris))
    iris.assign(day=days.date, hour=days).to_parquet("dates.parquet")
    iris.iloc[[0, 1, 60, 61]].to_csv("few.csv", index=False)
    iris.assign(**{"sepal length (cm)": np.inf}).to_csv("endless.csv", index=False)
    iris.assign(name=[f"n{row}" for row in range(150)]).to_csv("named.csv", index=False)
    iris.assign(a="wide", b="u").to_csv("text.csv", index=False)
    shutil.copy(FILES / "format_1.npz", "old.npz")
    assert main([*words]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    assert message in error


def test_every_class_is_in_the_test_rows():
    y = np.repeat(["a", "b", "c"], [90, 8, 2])
    x = pd.DataFrame({"row": np.arange(100)})
    _, _, y_train, y_test = models.split(x, y, 0.3, 0, stratify=True)
    assert len(y_test) == 30
    assert set(y_train) == set(y_test) == {"a", "b", "c"}
    _, _, y_train, y_test = models.split(x[:98], y[:98], 0.01, 0, stratify=True)  # fewer test rows than classes
    assert len(y_test) == 1


def test_gaps_and_categories_go_to_the_model_as_they_are(iris, capsys):
    say(capsys, "fit", "iris.csv", "--target", "species", "--method", "set", "--json", "--quiet", *NET)
    model = load_model("model.npz")
    assert {place: own.tolist() for place, own in model.categories_.items()} == {4: ["blue", "white"]}
    marks = zip(model._model.encoding.mark_of, model._model.encoding.mark_value, strict=True)
    assert [(of, value) for of, value in marks if value == value] == [(4, 0), (4, 1)]
    assert sorted(of for of in model._model.encoding.mark_of) == [2, 4, 4, 4]
    other = iris.iloc[:8].drop(columns="species").assign(colour=["red", None, "blue", "white"] * 2)
    other[list(other)[::-1]].to_csv("other.csv", index=False)  # columns are found by name
    say(capsys, "predict", "model.npz", "other.csv", "--probabilities", "--output", "out.csv", "--json")
    found = pd.read_csv("out.csv").filter(like="probability of ").to_numpy()
    assert np.allclose(found, model.predict_proba(other), atol=1e-12)


@pytest.mark.parametrize("name", ["other.csv", "other.parquet"])
def test_predictions_are_made_in_pieces_of_the_table(name, iris, monkeypatch, capsys):
    say(capsys, "fit", "iris.csv", "--target", "species", "--method", "set", "--json", "--quiet", *NET)
    other = iris.drop(columns="species").assign(colour=[None] * 50 + ["red"] * 50 + ["blue"] * 50)
    other.to_csv(name, index=False) if name.endswith(".csv") else other.to_parquet(name)
    words = ["predict", "model.npz", name, "--probabilities", "--output"]
    say(capsys, *words, "whole.csv", "--json")
    monkeypatch.setattr("truly_sparse.estimators.table_files.PIECE", 7)  # some of them without a colour
    say(capsys, *words, "pieces.csv", "--json")
    with open("whole.csv", "rb") as one, open("pieces.csv", "rb") as same:
        assert one.read() == same.read()
    other.iloc[:0].to_csv("none.csv", index=False)
    assert main(["predict", "model.npz", "none.csv", "--output", "none.out"]) == 2
    assert capsys.readouterr().err == "error: none.csv has no rows\n"
    assert not os.path.exists("none.out")


def test_columns_of_text_stay_text_where_they_look_like_numbers(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"code": rng.choice(["007", "012", "A1"], 90), "sure": rng.choice(["True", "False", "maybe"], 90)}
    )
    frame["level"], frame["y"] = rng.choice(["7", "12", "many"], 90), np.where(frame["code"] == "007", "yes", "no")
    frame.to_csv("t.csv", index=False)
    say(capsys, "fit", "t.csv", "--target", "y", "--method", "set", "--json", "--quiet", *NET, "--set", "epochs=2")
    model = load_model("model.npz")
    new = pd.DataFrame({"code": ["007", "012", None], "sure": ["True", None, "False"], "level": ["12", None, "7"]})
    wanted = model.predict_proba(new)
    typed = new.assign(sure=[True, None, False], level=pd.array([12, None, 7], "Int64"))
    new.to_csv("new.csv", index=False)
    typed.to_parquet("new.parquet")
    for name in ("new.csv", "new.parquet"):
        say(capsys, "predict", "model.npz", name, "--probabilities", "--output", "out.csv", "--json")
        assert np.allclose(pd.read_csv("out.csv").filter(like="probability of "), wanted, atol=1e-12)
    typed.assign(code=[7, 12, 7]).to_parquet("new.parquet")  # 7 may be 007 or not
    assert main(["predict", "model.npz", "new.parquet"]) == 2
    assert "column code of X holds numbers, but held text" in capsys.readouterr().err


@pytest.mark.parametrize("more", [[], ["--stream"]])
def test_decimals_of_parquet_are_numbers(more, iris, capsys):
    price = iris["petal width (cm)"].map(lambda value: Decimal(f"{value:.2f}"))
    size = iris["sepal width (cm)"].map(lambda value: Decimal(f"{value:.3f}")).where(iris.index != 7)
    iris.assign(price=price, size=size).to_parquet("d.parquet")
    assert columns.read("d.parquet").dtypes[["price", "size"]].tolist() == [float, float]
    given = ["fit", "d.parquet", "--target", "price", "--json", "--quiet", *SMALL, *NET, *more]
    assert say(capsys, *given)["estimator"] == "TrulySparseEnsembleRegressor"
    assert main(["predict", "model.npz", "d.parquet"]) == 0


@pytest.mark.usefixtures("iris")
def test_what_a_model_file_cannot_hold_or_be_is_said_before_training(capsys, monkeypatch):
    trained = []
    monkeypatch.setattr(SparseMLPClassifier, "fit", lambda *_: trained.append(1))
    fit = ["fit", "iris.csv", "--target", "species", "--method", "set"]
    for more in (["--set", "class_weight={'setosa': 1j}"], ["--output", "."], ["--output", "iris.csv/model.npz"]):
        assert main([*fit, *more]) == 2
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert main(fit) == 2
    assert "model.npz cannot be written: " in capsys.readouterr().err
    assert not trained


def test_a_model_goes_into_a_folder_that_is_made_for_it(iris, capsys):
    iris.assign(species=(iris["species"] == "setosa").astype(int)).to_csv("two.csv", index=False)
    fit = ["fit", "two.csv", "--target", "species", "--method", "set", *NET, "--set", "epochs=2"]
    more = ["--set", "class_weight={0: 1, 1: 2}", "--stream", "--seed", str(2**32), "--test-fraction", "0.2"]
    say(capsys, *fit, *more, "--output", "new/folder/model.npz", "--json", "--quiet")
    assert load_model("new/folder/model.npz").class_weight == {0: 1, 1: 2}


@pytest.mark.parametrize("more", [[], ["--test-fraction", "0.3"]])
def test_a_table_in_pieces_gives_the_same_model_and_scores(more, iris, capsys):
    given = ["fit", "iris.csv", "--target", "species", "--json", "--quiet", *SMALL, *NET, *more]
    one, other = (say(capsys, *given, "--output", name, *own) for name, own in (("a.npz", []), ("b.npz", ["--stream"])))
    for said in (one, other):
        del said["seconds"], said["model"]
    assert one == other
    found = [load_model(name) for name in ("a.npz", "b.npz")]
    assert (
        found[0].predict_proba(iris.drop(columns="species")).tobytes()
        == found[1].predict_proba(iris.drop(columns="species")).tobytes()
    )
    assert not list(Path().glob(".truly*"))


def test_a_table_that_memory_might_not_hold_comes_in_pieces(iris, capsys, monkeypatch):
    said = []
    monkeypatch.setattr(models, "limits", lambda: iter([("memory", 1000.0)]))
    monkeypatch.setattr(models, "open_table", lambda *given: said.append(given) or table_files.open_table(*given))
    say(capsys, "fit", "iris.csv", "--target", "species", "--method", "set", "--json", "--quiet", *NET)
    assert len(said) == 1
    assert table_files.bytes_of("iris.csv") == Path("iris.csv").stat().st_size
    iris.to_parquet("iris.parquet")
    assert table_files.bytes_of("iris.parquet") == 8 * 150 * 6
    assert table_files.bytes_of("none.parquet") == table_files.bytes_of("none.csv") == 0


@pytest.mark.usefixtures("iris")
def test_compare_gives_every_parameter_to_those_who_have_it_or_refuses_it_before_training(capsys, monkeypatch):
    given = ["compare", "iris.csv", "--target", "species", "--seeds", "1", "--quiet", "--methods", "fd-tse", "set"]
    own = ["--set", "refinement=none", "--set", "n_jobs=1", "--set", "epochs=2"]
    said = say(capsys, *given, "--json", *SMALL, *NET, *own)
    assert {row["method"] for row in said["table"]} == {"fd-tse", "set"}
    trained = []
    monkeypatch.setattr(TrulySparseEnsembleClassifier, "fit", lambda *_: trained.append(1))
    for wrong in ("topology=set", "method=fd_tse", "depth=3"):
        assert main([*given, "--set", wrong]) == 2
    assert not trained


def test_compare_takes_gaps_and_categories(iris, capsys):
    assert iris["colour"].isna().any()
    given = ["--target", "species", "--methods", "set", "fd-tse", *RIVALS, "--seeds", "1", "--quiet", "--json"]
    said = say(capsys, "compare", "iris.csv", *given, *SMALL, *NET)
    assert {row["method"] for row in said["table"]} == {"set", "fd-tse", *RIVALS}
    assert all(row["accuracy"] > 0.7 for row in said["table"])


def test_a_model_of_the_first_format_predicts_as_it_did(capsys):
    model, table = (str(FILES / f"format_1.{kind}") for kind in ("npz", "csv"))
    said = say(capsys, "predict", model, table, "--probabilities", "--json")
    assert np.allclose(said["predictions"]["probability of yes"], pd.read_csv(table)["probability of yes"], atol=1e-6)


def test_help_shows_examples_and_every_method():
    assert {method.replace("-", "_") for method in METHODS} == {*method_names(), "set", "static"}
    for command in COMMANDS:
        finished = subprocess.run(
            [sys.executable, "-m", "truly_sparse", command, "--help"], capture_output=True, text=True, check=True
        )
        assert f"truly-sparse {command} " in finished.stdout.split("examples:")[1]


@pytest.mark.parametrize(
    ("line", "answers"),
    [
        ("truly-sparse insp", {"inspect"}),
        ("truly-sparse fit iris.csv --method dist", {"dist-tse"}),
        ("truly-sparse fit iris.csv --target sp", {"species"}),
        ("truly-sparse compare iris.csv --target species --methods set boo", {"boosting"}),
        ("truly-sparse fit none.csv --target sp", set()),
    ],
)
@pytest.mark.usefixtures("iris")
def test_the_shell_completes_commands_methods_and_columns(line, answers):
    pytest.importorskip("argcomplete", reason="argcomplete is not installed")
    asked = {"_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line)), "_ARGCOMPLETE_SUPPRESS_SPACE": "1"}
    run = subprocess.run(
        ["bash", "-c", f'exec 8> >(cat); exec 9>&2; exec "{sys.executable}" -m truly_sparse'],
        env=os.environ | asked | {"_ARGCOMPLETE_IFS": "\n"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert set(run.stdout.split()) == answers


def line_of(capsys, *words, code=2):
    """Return the one line that a command ends with."""
    assert main(list(words)) == code
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1, captured.err
    return captured.err


@pytest.mark.parametrize("stream", [[], ["--stream"]])
def test_a_delimiter_at_the_end_of_every_row_moves_no_column(iris, capsys, stream):
    text = Path("iris.csv").read_text().splitlines()
    Path("trailing.csv").write_text("\n".join([text[0], *(f"{row}," for row in text[1:])]) + "\n")
    for name in ("iris", "trailing"):
        say(
            capsys,
            "fit",
            f"{name}.csv",
            "--target",
            "species",
            "--output",
            f"{name}.npz",
            "--json",
            "--quiet",
            *NET,
            *stream,
        )
    one, other = load_model("iris.npz"), load_model("trailing.npz")
    assert one.feature_names_in_.tolist() == other.feature_names_in_.tolist()
    x = iris.drop(columns="species")
    assert np.array_equal(one.predict_proba(x), other.predict_proba(x))


@pytest.mark.parametrize("command", [["fit"], ["fit", "--stream"], ["compare"]])
def test_rows_with_more_values_than_columns_are_one_line(tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    Path("named.csv").write_text("a,b,y\n" + "".join(f"row{n},{n},{n % 5},{n % 2}\n" for n in range(40)))
    first, *more = command
    assert "has rows with more values than it has columns" in line_of(
        capsys, first, "named.csv", "--target", "y", *more
    )


def test_a_column_that_turns_to_text_far_down_is_text_in_memory_and_in_a_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(table_files, "PIECE", 50)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"code": rng.integers(0, 9, 300).astype(str), "a": rng.normal(size=300)})
    frame.loc[200:, "code"] = "K" + frame["code"]
    frame["y"] = rng.integers(0, 2, 300).astype(str)
    frame.loc[250:, "y"] = "unknown"
    frame.to_csv("mixed.csv", index=False)
    for name, more in {"memory": [], "file": ["--stream"]}.items():
        say(capsys, "fit", "mixed.csv", "--target", "y", "--output", f"{name}.npz", "--json", "--quiet", *NET, *more)
    one, other = load_model("memory.npz"), load_model("file.npz")
    assert one.classes_.tolist() == other.classes_.tolist() == ["0", "1", "unknown"]
    assert np.array_equal(one.predict_proba(frame[["code", "a"]]), other.predict_proba(frame[["code", "a"]]))


def test_parquet_with_a_name_twice_is_one_line(iris, capsys):
    say(capsys, "fit", "iris.csv", "--target", "species", "--json", "--quiet", *NET)
    own = pa.Table.from_pandas(iris)
    pq.write_table(own.append_column("colour", own["colour"]), "twice.parquet")
    for words in (["predict", "model.npz", "twice.parquet"], ["fit", "twice.parquet", "--target", "species"],
                  ["fit", "twice.parquet", "--target", "species", "--stream"]):  # fmt: skip
        assert "column colour of twice.parquet is there twice; rename one" in line_of(capsys, *words)


@pytest.mark.usefixtures("iris")
def test_an_interrupt_is_one_line(capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(columns, "read", interrupt)
    assert line_of(capsys, *FIT, code=130) == "error: interrupted\n"
    assert not Path("model.npz").exists()


def test_rivals_take_text_with_gaps_of_any_kind(iris, capsys):
    iris.assign(colour=iris["colour"].astype("string")).to_parquet("nullable.parquet")
    words = ["compare", "nullable.parquet", "--target", "species", "--seeds", "1", "--json", "--quiet"]
    assert say(capsys, *words, "--methods", "mlp", "boosting")


@pytest.mark.usefixtures("iris")
def test_places_that_cannot_be_written_are_named_before_the_work(capsys, monkeypatch):
    say(capsys, "fit", "iris.csv", "--target", "species", "--json", "--quiet", *NET)
    monkeypatch.setattr(models, "_load", lambda _: pytest.fail("it began"))
    for words in (["predict", "model.npz", "iris.csv", "--output"], ["inspect", "model.npz", "--onnx"]):
        assert "is a folder; name a file in it" in line_of(capsys, *words, ".")
        assert "is no folder that may be written to" in line_of(capsys, *words, "iris.csv/other")
    assert "is no folder that may be written to" in line_of(capsys, "inspect", "model.npz", "--plots", "iris.csv")


@pytest.mark.usefixtures("iris")
def test_a_setting_that_is_no_value_is_one_line(capsys):
    assert "epsilon is" in line_of(capsys, *FIT, "--set", "epsilon={[]:1}")
