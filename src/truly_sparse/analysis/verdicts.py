"""The page "reproduced?": every claim of a study with the printed number, ours, and a verdict by a stated rule."""

from collections.abc import Sequence

import pandas as pd

from truly_sparse.analysis.judging import COLUMNS as JUDGED
from truly_sparse.analysis.judging import CONFIRMED, EXPLAINED, NOT_TESTED, VERDICTS, Rule
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import dataset_title
from truly_sparse.analysis.origin import Origin
from truly_sparse.analysis.rounding import differences
from truly_sparse.analysis.table import COLUMNS, Part, Table

_CLAIMS = (
    Column("text", "Claim", align="p{6.2cm}"),
    Column("where", "printed in", align="p{2.2cm}"),
    Column("printed", "printed", align="p{1.9cm}"),
    Column("ours", "here", align="p{1.9cm}"),
    Column("verdict", "verdict", align="p{1.9cm}"),
    Column("rule", "rule", align="p{1.8cm}"),
)
_COUNTS = (
    Column("rule", "Rule", align="l"),
    *(Column(name, name, "Claims") for name in VERDICTS),
    Column("word", "in short", align="l"),
)
_TERMINAL = (Column("claim", "claim", align="l"), Column("printed", "printed"), Column("ours", "here"),
             Column("verdict", "verdict", align="l"))  # fmt: skip
_RULES = (Column("name", "Rule", align="p{2.6cm}"), Column("text", "What it says", align="p{13.2cm}"))


def page(judged: pd.DataFrame, rules: Sequence[Rule], origin: Origin, table: str, source: str) -> Table:
    """Return the verdicts counted (V1), one by one with their explanations (V2), and the rules (V3).

    Parameters
    ----------
    judged : DataFrame
        As `judging.judge` returns it.
    rules : sequence of Rule
        Those that judged.
    origin : Origin
        Of the runs behind them.
    table : str
        Name of the table, for its tidy rows.
    source : str
        Whose claims these are, such as "the journal".
    """
    counts = "; ".join(f"{int((judged['verdict'] == name).sum())} {name}" for name in VERDICTS)
    caption = (
        f"The claims of {source}, one by one. Each verdict is worked out by the rule named in its row from the "
        f"tables of this document; Table V3 has the rules. A dash: nothing of the kind is printed. {origin.closing()}"
    )
    short = (
        "Reproduced? In short: the verdicts of Table V2, counted by topic and rule. Holds: every claim that could be "
        "tested is confirmed, or differs only as explained; holds in part: some are; does not hold: none is. "
        f"{len(judged)} claims: {counts}. {origin.closing()}"
    )
    texts = pd.DataFrame({"name": [rule.name for rule in rules], "text": [rule.text for rule in rules]})
    cells, counted = judged.astype(str), in_short(judged)
    return Table(
        _tidy(judged, table, origin.commits),
        [
            Part("V1", short, counted, _COUNTS, [origin.line()], group="topic"),
            Part("V2", caption, _with_reasons(cells), _CLAIMS, [origin.line()], group="topic", block="text"),
            Part("V3", "The rules by which claims are judged.", texts, _RULES, [], block="name"),
        ],
        [
            Part("V1", short, counted, _COUNTS, [origin.line()], group="topic"),
            Part("V2", caption, cells, _TERMINAL, [origin.line()], group="topic"),
        ],
    )


def in_short(judged: pd.DataFrame) -> pd.DataFrame:
    """Return, by topic and rule, how many claims got each verdict, and the word for it (see the caption of V1)."""
    rows = []
    for (topic, rule), part in judged.groupby(["topic", "rule"], sort=False):
        counts = {name: int((part["verdict"] == name).sum()) for name in VERDICTS}
        tested, good = len(part) - counts[NOT_TESTED], counts[CONFIRMED] + counts[EXPLAINED]
        word = NOT_TESTED if not tested else "holds" if good == tested else "holds in part" if good else "does not hold"
        rows.append({"topic": topic, "rule": rule, "word": word, **{n: str(k) if k else "" for n, k in counts.items()}})
    return pd.DataFrame(rows)


def _tidy(judged: pd.DataFrame, table: str, commits: str) -> pd.DataFrame:
    """Return the rows with the columns of every results CSV first."""
    parts = judged["claim"].str.split("/")
    frame = judged.assign(table=table, metric=parts.str[0], setting=judged["claim"], commit=commits)
    frame["dataset"] = [name[1] if len(name) > 1 and dataset_title(name[1]) != name[1] else "" for name in parts]
    frame["difference"] = differences(frame)
    return frame.reindex(columns=[*COLUMNS, *(name for name in JUDGED if name not in COLUMNS)])


def _with_reasons(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the cells with the reason of each verdict under its claim."""
    text = [f"{claim} ({why})" if why else claim for claim, why in zip(cells["text"], cells["note"], strict=True)]
    return cells.assign(text=text)
