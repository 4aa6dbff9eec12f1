"""Figure 6.3: what temperature annealing adds to losing all links at once, by sparsity."""

import pandas as pd
from matplotlib.figure import Figure

from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.panels import warn
from truly_sparse.analysis.style import BLACK, BLUE, ORANGE
from truly_sparse.errors import UserError
from truly_sparse.studies.whitaker.figures.annealing import COLUMNS, means, panels
from truly_sparse.studies.whitaker.figures.grids import Look, handles, line
from truly_sparse.studies.whitaker.runs import frame_of
from truly_sparse.studies.whitaker.verdicts.comparing import PRINTED, RUNS, printed_numbers
from truly_sparse.studies.whitaker.verdicts.stochastic import (
    EXPERIMENT,
    ONE_SHOT,
    TEMPERATURE,
    chosen,
    gaps,
    printed_gaps,
)

LOOKS: dict[str, Look] = {"random": (BLUE, "o", "-"), "magnitude": (ORANGE, "s", "-")}
_WORDS = {"random": "random links fall", "magnitude": "smallest links fall"}
PUBLISHED = "cifar100"


def data(inputs: Inputs) -> pd.DataFrame:
    """Return mean gaps in points by sampler and sparsity, those of Table 6.1 as a dataset of their own."""
    try:
        rows = chosen(Evidence({RUNS: frame_of(inputs, EXPERIMENT)}))
    except Missing as missing:
        raise UserError(f"{missing} yet") from None
    found = gaps(rows.assign(value=rows["accuracy"]), TEMPERATURE, ONE_SHOT).reset_index(name="gap")
    if found.empty:
        raise UserError("no run of annealing has a counterpart of one-shot pruning yet")
    here = means(found, "whitaker_figure6_3", ["dataset", "rate", "sampler", "sparsity"], "gap")
    printed = printed_gaps(Evidence({PRINTED: printed_numbers()}), TEMPERATURE, ONE_SHOT).reset_index(name="value")
    printed = printed.assign(figure="whitaker_figure6_3", dataset=PUBLISHED).reindex(columns=list(COLUMNS))
    return pd.concat([here, printed.astype({"seeds": "Int64"})], ignore_index=True)


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw a panel per dataset and rate, printed numbers in panels of their own."""
    figure, named = panels(frame, "points above one shot")
    for (dataset, rate), axes in named.items():
        own = frame[(frame["dataset"] == dataset) & (frame["rate"] == rate)]
        for sampler, (colour, marker, style) in LOOKS.items():
            line(axes, own[own["sampler"] == sampler], "sparsity", colour, marker, style)
        axes.axhline(0, color=BLACK, linewidth=0.6)
        axes.set_xlabel("sparsity" + (", as printed" if dataset == PUBLISHED else ""))
    looks = {_WORDS[sampler]: look for sampler, look in LOOKS.items()}
    figure.legend(handles=list(handles(looks)), loc="outside lower center", ncols=len(looks))
    warn(figure, preset)
    return figure
