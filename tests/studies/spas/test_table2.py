"""SPaS Table 2: possible weights from the sizes of layers beside the printed, rounded ones."""

import pandas as pd
import pytest

from truly_sparse.cli.main import main
from truly_sparse.experiments.configuration import load_config
from truly_sparse.studies import make
from truly_sparse.studies.show import report
from truly_sparse.studies.spas.tables.table2 import CONVOLUTIONAL, PERCEPTRON, WITH_SHORTCUTS

WEIGHTS = {
    "CIFAR-10": ("328,200", "657,120", "985,320"),
    "CIFAR-100": ("337,200", "951,600", "1,288,800"),
}


@pytest.fixture
def config(repository):
    return load_config(repository / "config/spas.yaml")


@pytest.fixture
def frame(config):
    return pd.read_csv(make.table(config, "spas_table2")[0])


def test_every_printed_number_is_ours_rounded(frame):
    rows = frame[frame["published"].notna()]
    assert len(rows) == 24
    assert set(rows["method"]) == {PERCEPTRON, WITH_SHORTCUTS, *CONVOLUTIONAL}
    assert rows["value"].notna().all()
    # Printed in thousands, and 1.3M.
    rounding = rows["printed"].map(lambda text: 50_000 if text.endswith("M") else 500)
    assert (rows["difference"].abs() <= rounding).all()


def test_a_network_without_shortcuts_has_none(frame):
    without = [PERCEPTRON, "D/S-CNN", "DenseNet"]
    rows = frame[frame["method"].isin(without) & frame["metric"].str.contains("shortcut")]
    assert len(rows) == 6
    assert rows["value"].isna().all()
    assert (rows["printed"] == "-").all()


@pytest.mark.parametrize(
    ("dataset", "model", "counts"),
    [
        ("CIFAR-10", "D/S-CNN", [149_242, 149_242]),
        ("CIFAR-10", "DenseNet", [275_676, 275_676]),
        ("CIFAR-10", "SPaS-CNN", [149_242, 145_488, 294_730]),
        ("CIFAR-100", "D/S-CNN", [155_092, 155_092]),
        ("CIFAR-100", "DenseNet", [298_266, 298_266]),
        ("CIFAR-100", "SPaS-CNN", [155_092, 145_488, 300_580]),
    ],
)
def test_convolutional_models_have_their_biases_counted(frame, dataset, model, counts):
    rows = frame[(frame["dataset"] == dataset) & (frame["method"] == model) & frame["value"].notna()]
    assert rows["value"].tolist() == counts


def test_sizes_come_from_the_configuration(config):
    changed = config | {"training": config["training"] | {"hidden_layer_sizes": [10]}}
    frame = make.built(changed, "spas_table2").frame
    row = frame[(frame["method"] == WITH_SHORTCUTS) & (frame["dataset"] == "CIFAR-10")].set_index("metric")["value"]
    assert row.tolist() == [3072 * 10 + 10 * 10, 3072 * 10, 3072 * 10 + 10 * 10 + 3072 * 10]


def test_it_is_shown_by_its_name_beside_the_printed_numbers(repository, capsys):
    assert repository.samefile(".")
    assert main(["show", "spas_table2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    shown = [line.split() for line in lines if line.startswith(WITH_SHORTCUTS)]
    for cells, numbers in zip(shown, WEIGHTS.values(), strict=True):
        assert tuple(cells[2::2]) == numbers
    assert [cells[1::2] for cells in shown] == [["328k", "657k", "985k"], ["337k", "952k", "1.3M"]]
    csv, document = [line for line in lines if not line.startswith("  ")][-2:]  # the rest says how to get the PDF
    assert csv.startswith("CSV: ")
    assert document.startswith("PDF: ")


def test_the_quick_preset_is_marked(repository):
    text = report(load_config(repository / "config/quick/spas.yaml"), "spas_table2")
    assert "QUICK PRESET: NOT THE PAPER'S EXPERIMENT" in text
    assert max(len(line) for line in text.splitlines() if not line.startswith("PDF")) <= 100
