"""`claims-site`: every claim of every study with its verdict, its rule and what lies behind it, and two charts.

Nothing is worked out here: verdicts, tables, figures and records are those of `results/`, of which the site holds copies,
so that it needs no network and no server. Without JavaScript the page shows all claims, and no charts.
"""

import json
import shutil
from html import escape
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import vl_convert
from docutils import nodes
from evidence import Behind, behind, interval
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from truly_sparse.analysis.judging import VERDICTS
from truly_sparse.analysis.names import dataset_title, method_title
from truly_sparse.analysis.study import Study
from truly_sparse.studies.discovery import find, part

ROOT = Path(__file__).parents[2]
#: Studies of one source, in the order in which they are read.
STUDIES = {
    "journal": "Journal",
    "thesis": "Thesis",
    "spas": "SPaS",
    "van_engers": "van Engers",
    "whitaker": "Whitaker",
}
#: Folder of the copies, below _static.
COPIES = "results"
#: Names of accuracies in percent that are printed and measured.
ACCURACIES = ("test_accuracy", "iqm", "mean", "best")
HEIGHT = 380
#: Files of a study that claims link to.
COPIED = ("tables/*.csv", "figures/*.csv", "figures/*.png", "records/*.csv", "records/*.jsonl")


def rows(name: str, study: Study) -> pd.DataFrame:
    """Return the judged claims of a study."""
    table = next(table for table in study.tables if table.endswith("verdicts"))
    frame = pd.read_csv(ROOT / "results" / name / "tables" / f"{table}.csv", keep_default_na=False)
    rules = {rule.name: rule.text for rule in part(name, "tables.verdicts").RULES}
    return frame.assign(study=name, rule_text=frame["rule"].map(rules))


class ClaimsSite(SphinxDirective):
    """The page's form, charts and table."""

    def run(self) -> list[nodes.Node]:
        """Return the page as HTML; copies of what it links to are made when the site is written."""
        parts, every = [], []
        for name in STUDIES:
            study = find(name)
            frame = rows(name, study)
            every.append(frame)
            for number, row in enumerate(frame.to_dict("records")):
                parts.append(_row(f"{name}-{number}", row, behind(study, row)))
        made_by = Path(__file__).parent.glob("*.py")
        shown = (path for kind in COPIED for path in (ROOT / "results").glob(f"*/{kind}"))
        for path in (*made_by, *shown):
            self.env.note_dependency(str(path))
        page = _charts() + _form(pd.concat(every, ignore_index=True)) + _table(parts)
        return [nodes.raw("", page, format="html")]


def _form(whole: pd.DataFrame) -> str:
    topics = sorted(set(whole["topic"]))
    chosen = (
        ("study", "Study", list(STUDIES.items())),
        ("topic", "Topic", [(topic, topic) for topic in topics]),
        ("verdict", "Verdict", [(verdict, verdict) for verdict in VERDICTS]),
    )
    fields = "".join(
        f'<label>{label} <select name="{name}"><option value="">all</option>'
        + "".join(
            f'<option value="{escape(value)}">{escape(words)}</option>' for value, words in options
        )
        + "</select></label>"
        for name, label, options in chosen
    )
    search = '<label>Words <input type="search" name="words"></label>'
    return (
        f'<form class="claims-form" hidden>{fields}{search}<output role="status"></output></form>'
    )


def _row(anchor: str, row: dict[str, Any], evidence: Behind) -> str:
    ours, between = interval(row)
    said = {key: escape(str(value)) for key, value in (row | {"ours": ours}).items()}
    runs = f"{evidence.runs:,}" if evidence.runs else ""
    measured = f"{evidence.measured:,} measured" if evidence.measured else ""
    listed = ", ".join(
        f'<a href="_static/{COPIES}/{path.as_posix()}">{escape(words)}</a>'
        for words, path in evidence.links
    )
    why = f"<dt>Why</dt><dd>{said['note']}</dd>" if said["note"] else ""
    behind_it = f"<dt>Behind it</dt><dd>{listed}</dd>" if listed else ""
    more = (
        f"<details><summary>rule and evidence</summary><dl><dt>Rule: {said['rule']}</dt><dd>{said['rule_text']}</dd>{why}"
        f"{behind_it}<dt>Commit</dt><dd>{said['commit']}</dd></dl></details>"
    )
    where = f" <small>({said['where']})</small>" if said["where"] else ""
    kind = said["verdict"].replace(" ", "-")
    return (
        f'<tr id="{anchor}" data-study="{said["study"]}" data-topic="{said["topic"]}" data-verdict="{said["verdict"]}">'
        f'<td data-label="Study">{STUDIES[row["study"]]}</td>'
        f'<th scope="row">{said["text"]}{where}{more}</th>'
        f'<td data-label="Printed">{said["printed"] or "–"}</td><td data-label="Here">{said["ours"] or "–"}</td>'
        f'<td data-label="Interval">{between or "–"}</td>'
        f'<td data-label="Runs">{", ".join(filter(None, (runs, measured))) or "–"}</td>'
        f'<td data-label="Verdict"><span class="verdict {kind}">{said["verdict"]}</span></td></tr>'
    )


def _table(parts: list[str]) -> str:
    names = ("Study", "Claim", "Printed", "Here", "Interval", "Runs", "Verdict")
    heads = "".join(f'<th scope="col">{name}</th>' for name in names)
    caption = "<caption>Every claim, with the number in print, ours, and the verdict by its rule</caption>"
    return f'<table class="claims">{caption}<thead><tr>{heads}</tr></thead><tbody>{"".join(parts)}</tbody></table>'


def _charts() -> str:
    """Return the two charts as specifications, which the browser draws."""
    parts = []
    for name, chart, words in (
        ("cost", cost(), "accuracy against operations"),
        ("print", printed(), "printed and measured"),
    ):
        # The library gives it to screen readers as the chart's name.
        label = f"Chart: {words}. The numbers are in the tables that claims link to."
        specification = json.dumps(chart.to_dict() | {"description": label}).replace("</", "<\\/")
        parts.append(
            f'<figure><div id="choice-{name}"></div><div id="chart-{name}"></div>'
            f'<script type="application/json" data-chart="{name}">{specification}</script></figure>'
        )
    figures = "".join(parts)
    return f'<script src="_static/charts.js"></script><div class="claims-charts">{figures}</div>'


def cost() -> alt.Chart:
    """Return accuracy against operations of training of the journal's models, one dataset at a time."""
    frame = pd.read_csv(ROOT / "results/journal/tables/table1.csv", low_memory=False)
    frame = frame.assign(
        epsilon=frame["epsilon"].map(lambda value: "dense" if pd.isna(value) else f"{value:g}")
    )
    keys = ["dataset", "method", "epsilon"]
    wide = frame.pivot_table(index=keys, columns="metric", values="value").reset_index()
    wide = wide.dropna(subset=["test_accuracy", "training_operations"]).round(3)
    wide = wide.assign(
        dataset=wide["dataset"].map(dataset_title), method=wide["method"].map(method_title)
    )
    options = sorted(set(wide["dataset"]))
    choice = alt.selection_point(
        fields=["dataset"],
        bind=alt.binding_select(options=options, name="Dataset "),
        value=options[0],
    )
    chart = alt.Chart(wide, title="Accuracy against operations of training")
    return (
        chart.mark_point(filled=True, size=90)
        .encode(
            x=alt.X(
                "training_operations",
                scale=alt.Scale(type="log"),
                axis=alt.Axis(format=".0e", tickCount=5),
                title="multiply-adds of training",
            ),
            y=alt.Y("test_accuracy", scale=alt.Scale(zero=False), title="test accuracy (%)"),
            color=alt.Color("method", title=None, legend=alt.Legend(orient="bottom", columns=4)),
            shape=alt.Shape("method", title=None),
            tooltip=["method", "epsilon", "test_accuracy", "training_operations", "weights"],
        )
        .transform_filter(choice)
        .add_params(choice)
        .properties(width="container", height=HEIGHT)
    )


def printed() -> alt.LayerChart:
    """Return every accuracy that is printed beside the one measured here."""
    parts = []
    for name, words in STUDIES.items():
        for path in sorted((ROOT / "results" / name / "tables").glob("*.csv")):
            frame = pd.read_csv(path, low_memory=False)
            if not path.stem.endswith("verdicts") and {"published", "metric"} <= set(frame.columns):
                frame = frame[
                    frame["metric"].isin(ACCURACIES)
                    & frame[["value", "published"]].notna().all(axis=1)
                ]
                parts.append(frame.assign(source=words, table=path.stem))
    whole = pd.concat(parts, ignore_index=True)[
        ["source", "table", "dataset", "method", "setting", "value", "published"]
    ]
    whole = whole.fillna("").round(2)
    titles = {
        "dataset": whole["dataset"].map(dataset_title),
        "method": whole["method"].map(method_title),
    }
    ends = pd.DataFrame({"value": [0, 100], "published": [0, 100]})
    scale = alt.Scale(domain=[0, 100])
    line = (
        alt.Chart(ends).mark_line(strokeDash=[4, 4], color="gray").encode(x="published", y="value")
    )
    points = (
        alt.Chart(whole.assign(**titles))
        .mark_point(filled=True, size=45, opacity=0.7)
        .encode(
            x=alt.X("published", scale=scale, title="printed accuracy (%)"),
            y=alt.Y("value", scale=scale, title="measured here (%)"),
            color=alt.Color("source", title=None, legend=alt.Legend(orient="bottom")),
            shape=alt.Shape("source", title=None),
            tooltip=["source", "table", "dataset", "method", "setting", "published", "value"],
        )
    )
    return alt.layer(line, points, title="Accuracies: printed and measured").properties(
        width="container", height=HEIGHT
    )


def copy(app: Sphinx, exception: Exception | None) -> None:
    """Copy what claims link to beside the page, and the library that draws charts."""
    if exception or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    for name in STUDIES:
        for kind in COPIED:
            for path in (ROOT / "results" / name).glob(kind):
                target = static / COPIES / path.relative_to(ROOT / "results")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
    library = static / "charts.js"
    if not library.exists():  # in a function of its own, as its names are short and many
        bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
        library.write_text(f"(() => {{{bundle}}})();", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive and the copies."""
    app.add_directive("claims-site", ClaimsSite)
    app.connect("build-finished", copy)
    return {"parallel_read_safe": False}
