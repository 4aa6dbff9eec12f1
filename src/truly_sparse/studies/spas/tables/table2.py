"""SPaS Table 2: possible weights of every model, sequential and shortcut, worked out from the sizes of the layers."""

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.rounding import differences
from truly_sparse.analysis.table import COLUMNS, Part, Table
from truly_sparse.measure import pictures
from truly_sparse.measure.possible import possible_weights

#: Inputs and classes of the two sets of colour images, 32 by 32.
IMAGES = {"CIFAR-10": (3 * 32 * 32, 10), "CIFAR-100": (3 * 32 * 32, 100)}
SEQUENTIAL, SHORTCUT, TOTAL = "theta_sequential_D=1", "theta_shortcut_D>1", "theta_total"
METRICS = {SEQUENTIAL: "sequential", SHORTCUT: "shortcut", TOTAL: "all"}
PERCEPTRON, WITH_SHORTCUTS = "D/S-MLP", "SPaS-MLP"
#: Convolutional models, by their printed names.
CONVOLUTIONAL: dict[str, pictures.Kind] = {"D/S-CNN": "cnn", "DenseNet": "densenet", "SPaS-CNN": "spas_cnn"}
#: Those that have shortcuts; of the others the source prints none.
SKIPPING = (WITH_SHORTCUTS, "SPaS-CNN")
_PRINTED = (
    Column("model", "Model", align="l"),
    *(
        Column(f"{metric}_{which}", header, title)
        for metric, title in METRICS.items()
        for which, header in (("published", "publ."), ("here", "here"))
    ),
)


def make(inputs: Inputs) -> Table:
    """Return SPaS Table 2: possible weights as printed and as the layers of the configuration give them."""
    frame = tidy(inputs.published_text("table2"), inputs.config["training"]["hidden_layer_sizes"])
    caption = (
        "Possible weights of the models. Sequential: between neighbouring layers; shortcut: past at least one. Biases "
        "are left out of perceptrons and counted in convolutional networks, without normalisation, as in print. "
        f"Preset {inputs.preset}; no runs."
    )
    layers = "-".join(map(str, inputs.config["training"]["hidden_layer_sizes"]))
    channels = "-".join(map(str, pictures.CHANNELS["spas_cnn"]))
    note = (
        f"Worked out from hidden layers of {layers}, and in convolutional networks from {channels} channels, which the "
        f"printed numbers need; the text of the source says half as many. Preset {inputs.preset}; no runs."
    )
    return Table(frame, [Part("2", caption, _cells(frame), _PRINTED, [note], group="dataset")])


def tidy(printed: pd.DataFrame, hidden: list[int]) -> pd.DataFrame:
    """Return one row per number of the table, with the columns of every results CSV and the `printed` text.

    Parameters
    ----------
    printed : DataFrame
        The printed table, all text: `dataset, model, metric, value, printed, source`.
    hidden : list of int
        Neurons of the hidden layers of a perceptron.
    """
    lines = [
        {
            "table": "spas_table2",
            "dataset": row["dataset"],
            "method": row["model"],
            "setting": "layers",
            "metric": row["metric"],
            "value": weights(row["dataset"], row["model"], hidden).get(row["metric"]),
            "published": row["value"],
            "printed": row["printed"],
            "source": f"SPaS {row['table']}",
            "note": "",
        }
        for row in printed.to_dict("records")
    ]
    frame = pd.DataFrame(lines, columns=[*COLUMNS, "printed"])
    frame["published"] = pd.to_numeric(frame["published"])
    frame["difference"] = differences(frame)
    return frame.astype(dict.fromkeys(("value", "published", "difference"), "Int64"))


def weights(dataset: str, model: str, hidden: list[int]) -> dict[str, int]:
    """Return what a model can have of each of the `METRICS`; of a perceptron with such hidden layers."""
    features, classes = IMAGES[dataset]
    if model in CONVOLUTIONAL:
        possible = pictures.possible_parameters(pictures.plan(CONVOLUTIONAL[model], features, classes))
    else:
        possible = possible_weights([features, *hidden, classes])
    if model in SKIPPING:
        return {SEQUENTIAL: possible.sequential, SHORTCUT: possible.shortcut, TOTAL: possible.total}
    return {SEQUENTIAL: possible.sequential, TOTAL: possible.sequential}


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for (dataset, model), part in frame.groupby(["dataset", "method"], sort=False):
        cells = {"dataset": dataset, "model": model}
        for row in part.to_dict("records"):
            nothing = row["printed"] == "-"
            here = formats.count(None if pd.isna(row["value"]) else row["value"])
            cells[f"{row['metric']}_published"] = formats.NOTHING if nothing else row["printed"]
            cells[f"{row['metric']}_here"] = formats.NOTHING if nothing else here
        rows.append(cells)
    return pd.DataFrame(rows)
