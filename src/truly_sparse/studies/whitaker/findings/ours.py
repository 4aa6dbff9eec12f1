"""What the source has not: controls, and parents that are sparse."""

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.names import dataset_title
from truly_sparse.analysis.reading import listed
from truly_sparse.analysis.statements import Statement
from truly_sparse.studies.whitaker.shown import ALL
from truly_sparse.studies.whitaker.tables.controls import LARGE
from truly_sparse.studies.whitaker.verdicts.comparing import LEAKY

CONTROLS, VERDICTS = "whitaker_controls", "whitaker_verdicts"
#: What children are compared with, in words.
WORDS = {
    "sse_unpruned": "children that lose no link",
    "sse_fresh": "the same links with fresh values",
    "sparse_ensemble": "sparse networks from scratch for as many epochs",
    "sse_longer": "themselves tuned for an epoch more",
    "dense": "one network whose rate decays",
    "dense_long": "one network whose rate is held",
}


def _controls(evidence: Evidence) -> str:
    every = evidence.rows(CONTROLS, setting=LARGE)
    rows, by_dataset = every[every["dataset"] == ALL], every[every["dataset"] != ALL]
    rest = by_dataset[by_dataset["dataset"] != LEAKY].groupby("method")["value"].mean()
    leaky = dataset_title(LEAKY) if LEAKY in set(by_dataset["dataset"]) and len(rest) else ""
    parts = []
    for row in rows.to_dict("records"):
        known = [formats.interval(row["low"], row["high"])]
        known += [formats.difference(rest[row["method"]], 2)] if leaky and row["method"] in rest else []
        within = "; ".join(one for one in known if one != formats.NOTHING)
        parts.append(
            f"{formats.difference(row['value'], 2)} to {WORDS[row['method']]}" + (f" ({within})" if within else "")
        )
    brackets = f" (95 % interval; mean without {leaky})" if leaky else ""
    return (
        f"Points from controls to children that are halves of a parent, with it, at 200 epochs{brackets}: "
        f"{listed(parts)}."
    )


def _sparse(evidence: Evidence) -> list[str]:
    rows = evidence.rows(VERDICTS)
    rows = rows[rows["claim"].str.startswith("s24/") & rows["value"].notna()]
    words = {
        "parent": "over the parent itself",
        "dense": "over the same with a dense parent",
        "fd_tse": "over FD-TSE at as many epochs",
    }
    sentences = []
    for epsilon in dict.fromkeys(rows["claim"].str.split("/").str[2]):
        parts = []
        for name, said in words.items():
            found = rows[rows["claim"] == f"s24/{name}/{epsilon}"]
            parts += [f"{formats.difference(row['value'], 2)} points {said}" for row in found.to_dict("records")]
        sentences.append(f"With a sparse parent of ε = {epsilon}, halves of it and the parent have {listed(parts)}.")
    if not sentences:
        raise Missing("no sparse parent has finished")
    return sentences


STATEMENTS = (Statement("Controls", _controls), Statement("Sparse", _sparse))
