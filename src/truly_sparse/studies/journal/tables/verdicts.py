"""The page "reproduced?": every claim of the journal with the printed number, ours, and a verdict by a stated rule."""

from collections.abc import Mapping
from contextlib import suppress

import pandas as pd

from truly_sparse.analysis.evidence import Evidence
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.make import build, numbers
from truly_sparse.analysis.names import dataset_title
from truly_sparse.analysis.rounding import differences
from truly_sparse.analysis.table import Part, Table
from truly_sparse.analysis.tables.table1 import COLUMNS
from truly_sparse.analysis.verdicts.claims import RULES, claims
from truly_sparse.analysis.verdicts.cost import shapes
from truly_sparse.analysis.verdicts.judging import COLUMNS as JUDGED
from truly_sparse.analysis.verdicts.judging import CONFIRMED, EXPLAINED, NOT_TESTED, VERDICTS, judge
from truly_sparse.errors import UserError

#: Tables and figures that rules read.
READ = ("table1", "table2", "table3", "table4", "table5", "helps", "practice")
SHOWN = ("figure4",)
_CLAIMS = (
    *(Column("text", "Claim", align="p{6.2cm}"), Column("where", "printed in", align="p{2.2cm}")),
    *(Column("printed", "printed", align="p{1.9cm}"), Column("ours", "here", align="p{1.9cm}")),
    *(Column("verdict", "verdict", align="p{1.9cm}"), Column("rule", "rule", align="p{1.8cm}")),
)
_COUNTS = (
    Column("rule", "Rule", align="l"),
    *(Column(name, name, "Claims") for name in VERDICTS),
    Column("word", "in short", align="l"),
)
_TERMINAL = (Column("claim", "claim", align="l"), Column("printed", "printed"), Column("ours", "here"),
             Column("verdict", "verdict", align="l"))  # fmt: skip
_RULES = (Column("name", "Rule", align="p{2.6cm}"), Column("text", "What it says", align="p{13.2cm}"))


def make(inputs: Inputs) -> Table:
    """Return the verdicts, their explanations as notes, and the rules."""
    printed = [inputs.published(name) for name in ("table1", "table3", "table5")]
    judged = judge(claims(*printed), Evidence(_frames(inputs)))
    origin = inputs.origin()
    counts = "; ".join(f"{int((judged['verdict'] == name).sum())} {name}" for name in VERDICTS)
    caption = (
        "The claims of the journal, one by one. Each verdict is worked out by the rule named in its row from the "
        "tables of this document; Table V3 has the rules. A dash: nothing of the kind is printed. "
        f"Preset {inputs.preset}; commit {origin.commits}.{origin.warning()}"
    )
    short = (
        "Reproduced? In short: the verdicts of Table V2, counted by topic and rule. Holds: every claim that could be "
        "tested is confirmed, or differs only as explained; holds in part: some are; does not hold: none is. "
        f"{len(judged)} claims: {counts}. Preset {inputs.preset}; commit {origin.commits}.{origin.warning()}"
    )
    rules = pd.DataFrame({"name": [rule.name for rule in RULES], "text": [rule.text for rule in RULES]})
    cells, counted = judged.astype(str), in_short(judged)
    return Table(
        _tidy(judged, origin.commits),
        [
            Part("V1", short, counted, _COUNTS, [origin.line()], group="topic"),
            Part("V2", caption, _with_reasons(cells), _CLAIMS, [origin.line()], group="topic", block="text"),
            Part("V3", "The rules by which claims are judged.", rules, _RULES, [], block="name"),
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


def _frames(inputs: Inputs) -> Mapping[str, pd.DataFrame]:
    """Return the tidy frames of everything that can be made now; a rule without its frame is not tested."""
    frames = {"shapes": shapes(inputs.of("table1"))}
    for name in READ:
        with suppress(UserError):  # not of this preset, or nothing of it has finished
            frames[name] = build(inputs.config, name).frame
    for name in SHOWN:
        with suppress(UserError):
            frames[name] = numbers(inputs.config, name)
    return frames


def _tidy(judged: pd.DataFrame, commits: str) -> pd.DataFrame:
    """Return the rows with the columns of every results CSV first."""
    parts = judged["claim"].str.split("/")
    frame = judged.assign(table="verdicts", metric=parts.str[0], setting=judged["claim"], commit=commits)
    frame["dataset"] = [name[1] if len(name) > 1 and dataset_title(name[1]) != name[1] else "" for name in parts]
    frame["difference"] = differences(frame)
    return frame.reindex(columns=[*COLUMNS, *(name for name in JUDGED if name not in COLUMNS)])


def _with_reasons(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the cells with the reason of each verdict under its claim."""
    text = [f"{claim} ({why})" if why else claim for claim, why in zip(cells["text"], cells["note"], strict=True)]
    return cells.assign(text=text)
