"""Figure 7.1: correlation of members' outputs by how children are sampled, the printed means beside those here."""

import pandas as pd
from matplotlib.figure import Figure

from truly_sparse.analysis.evidence import Evidence
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.names import dataset_title, method_title
from truly_sparse.analysis.panels import warn
from truly_sparse.analysis.style import BLUE, GREEN, ORANGE, PAGE_WIDTH
from truly_sparse.studies.whitaker.figures.grids import Look, handles
from truly_sparse.studies.whitaker.runs import frame_of
from truly_sparse.studies.whitaker.verdicts.comparing import PRINTED, printed_numbers
from truly_sparse.studies.whitaker.verdicts.diversity import off_diagonal

EXPERIMENT = "whitaker_diversity"
COLUMNS = ("figure", "dataset", "method", "value", "std", "error", "seeds")
LOOKS: dict[str, Look] = {"sse_r": (BLUE, "o", "-"), "sse_np": (ORANGE, "s", "-"), "sse_np_bag": (GREEN, "^", "-")}
PUBLISHED = "cifar10"


def data(inputs: Inputs) -> pd.DataFrame:
    """Return mean correlations off the diagonal, those of the printed matrices as a dataset of their own.

    Where no ensemble of children has finished, these are all.
    """
    runs = frame_of(inputs, EXPERIMENT)
    own = runs[runs["method"].isin(LOOKS) & runs["output_correlation"].notna()]
    found = own.groupby(["dataset", "method"], sort=False)["output_correlation"]
    here = found.agg(value="mean", std="std", seeds="count").reset_index()
    here = here.assign(error=here["std"] / here["seeds"] ** 0.5)
    evidence = Evidence({PRINTED: printed_numbers()})
    rows = [{"dataset": PUBLISHED, "method": method, "value": off_diagonal(evidence, method)} for method in LOOKS]
    whole = pd.concat([here, pd.DataFrame(rows)], ignore_index=True).assign(figure="whitaker_figure7_1")
    return whole.reindex(columns=list(COLUMNS)).astype({"seeds": "Int64"})


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw a column of points per dataset, the printed one last."""
    figure = Figure(figsize=(PAGE_WIDTH, 2.6))
    axes = figure.subplots()
    datasets = list(dict.fromkeys(frame["dataset"]))
    for number, (method, (colour, marker, _)) in enumerate(LOOKS.items()):
        own = frame[frame["method"] == method].set_index("dataset").reindex(datasets)
        places = [place + 0.15 * (number - 1) for place in range(len(datasets))]
        axes.errorbar(
            places, own["value"], own["error"].fillna(0.0), color=colour, marker=marker, linestyle="none",
            markersize=3.6, elinewidth=0.8, capsize=1.6,
        )  # fmt: skip
    names = [dataset_title(name) + ("\nas printed" if name == PUBLISHED else "") for name in datasets]
    axes.set_xticks(range(len(datasets)), names, rotation=20, ha="right")
    axes.set_ylabel("correlation of outputs")
    looks = {method_title(method): look for method, look in LOOKS.items()}
    figure.legend(handles=list(handles(looks)), loc="outside lower center", ncols=len(looks))
    warn(figure, preset)
    return figure
