"""Table 2: settings as printed and as used here, and who says what the paper does not."""

from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.table import Part, Table

_WORDS = {
    "evolution_every": "epochs per SET step",
    "hidden_layer_sizes": "hidden layers",
    "init": "start values",
    "train_rows": "training images",
    "test_rows": "test images",
    "scaling": "scaling of pixels",
    "runs": "runs per ζ",
    "epsilon": "ε",
}
_COLUMNS = (
    Column("key", "Setting", align="l"),
    Column("printed", "printed", align="p{3.2cm}"),
    Column("here", "here", align="p{2.8cm}"),
    Column("source", "who says so", align="p{2.6cm}"),
    Column("note", "note", align="p{4.6cm}"),
)


def make(inputs: Inputs) -> Table:
    """Return the settings of the sweep."""
    printed = inputs.published_text("table2").fillna("")
    here = _here(inputs)
    frame = pd.DataFrame(
        {
            "table": "van_engers_table2",
            "setting": printed["key"],
            "metric": "setting",
            "value": [here[key] for key in printed["key"]],
            "published": printed["printed"],
            "note": printed["note"],
            "source": printed["source"],
        }
    )
    cells = pd.DataFrame(
        {
            "key": [_WORDS.get(key, key.replace("_", " ")) for key in frame["setting"]],
            "printed": frame["published"].where(frame["published"] != "", formats.NOTHING),
            "here": frame["value"],
            "source": frame["source"],
            "note": frame["note"],
        }
    )
    caption = (
        "Settings as printed and as used here. Where the paper is silent, the implementation that it names decides. "
        f"Preset {inputs.preset}."
    )
    notes = [f"Generated from the configuration and the runs. {inputs.origin().stamp()}"]
    # Notes are too long for a terminal.
    return Table(frame, [Part("2", caption, cells, _COLUMNS, notes)], [Part("2", caption, cells, _COLUMNS[:3], notes)])


def _here(inputs: Inputs) -> dict[str, str]:
    """Return the settings that the runs of the sweep share, as they are printed."""
    record = inputs.records[0]
    training, data = record["settings"]["training"], record["settings"]["data"]
    known: dict[str, Any] = training | data | {name: record["data"][name] for name in ("train_rows", "test_rows")}
    known |= {"runs": len({run["seed"] for run in inputs.records}), "accuracy": "that, last epoch, last tenth"}
    return {key: f"{value:,}" if key.endswith("_rows") else formats.setting(value) for key, value in known.items()}
