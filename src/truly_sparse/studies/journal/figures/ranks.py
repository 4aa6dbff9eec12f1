"""Average ranks of the models over the tabular datasets, with the critical difference (Demšar 2006)."""

import pandas as pd
from matplotlib.figure import Figure

from truly_sparse.analysis import cd_diagram, formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.panels import warn
from truly_sparse.analysis.runs import frame_of, summarise
from truly_sparse.analysis.statistics.over_datasets import FEWEST, over_datasets
from truly_sparse.analysis.style import BLACK, PAGE_WIDTH, VERMILION
from truly_sparse.errors import UserError

COLUMNS = ("figure", "kind", "dataset", "method", "other", "value", "datasets", "wanted")


def data(inputs: Inputs) -> pd.DataFrame:
    """Return accuracies and tests as a tidy frame with the columns `COLUMNS`.

    `kind` is accuracy (percent, mean over seeds; as in Table 2, only datasets on which every method has finished that
    has finished anywhere), average_rank, critical_difference (Nemenyi, 5 %), friedman_p, and for pairs of methods
    wilcoxon_p and wilcoxon_p_holm (exact, two-sided). A row of kind absent names a method without a finished run.
    `datasets` says over how many, `wanted` how many there are to be. Without enough datasets to rank there is a row of
    kind unranked, and no test.
    """
    means = summarise(frame_of(inputs.records), ["dataset", "method"])
    blocks = inputs.config["experiments"]["table2"]
    wanted = {name for block in blocks for name in block["datasets"]}
    methods = {name for block in blocks for name in block["methods"]}
    table = means.pivot_table(index="dataset", columns="method", values="value").dropna()
    long = table.reset_index().melt("dataset", var_name="method", value_name="value").assign(kind="accuracy")
    absent = pd.DataFrame({"method": sorted(methods.difference(table.columns))}).assign(kind="absent")
    frame = pd.concat([long, absent, _tests(table)], ignore_index=True)
    frame = frame.assign(figure="ranks", datasets=len(table), wanted=len(wanted))
    return frame.reindex(columns=list(COLUMNS))


def _tests(table: pd.DataFrame) -> pd.DataFrame:
    try:
        ranks, pairs = over_datasets(table)
    except UserError:
        return pd.DataFrame([{"kind": "unranked"}])
    both = pairs.melt(["method", "other"], ["wilcoxon_p", "wilcoxon_p_holm"], "kind", "value")
    average = ranks.average.rename("value").rename_axis("method").reset_index().assign(kind="average_rank")
    whole = {"critical_difference": ranks.critical_difference, "friedman_p": ranks.p_value}
    rest = pd.DataFrame({"kind": list(whole), "value": list(whole.values())})
    return pd.concat([average, rest, both], ignore_index=True)


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw the critical-difference diagram, and say where it rests on fewer datasets than there are to be."""
    found, wanted = int(frame["datasets"].iloc[0]), int(frame["wanted"].iloc[0])
    absent = [method_title(name) for name in frame.loc[frame["kind"] == "absent", "method"]]
    complete = f"{found} of {wanted} datasets on which every model has finished"
    complete += f", without {', '.join(absent)}" if absent else ""
    if "unranked" in set(frame["kind"]):
        figure = Figure(figsize=(PAGE_WIDTH, 0.6))
        figure.text(0.5, 0.5, f"Nothing to rank yet: {complete}", ha="center", color=VERMILION)
        return figure
    single = frame[frame["kind"].isin(["critical_difference", "friedman_p"])].set_index("kind")["value"].astype(float)
    average = frame[frame["kind"] == "average_rank"].set_index("method")["value"]
    figure = cd_diagram.draw(average, single["critical_difference"])
    words = f"{complete}\nFriedman's test p = {formats.p_value(single['friedman_p'])}"
    if found < FEWEST:
        words += f"; fewer than {FEWEST} datasets settle nothing"
    figure.supxlabel(words, fontsize=7.5, color=BLACK if found == wanted and not absent else VERMILION)
    warn(figure, preset)
    return figure
