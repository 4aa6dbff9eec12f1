"""What of SPaS came out again, by its own protocol, and what did not."""

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.judging import CONFIRMED, EXPLAINED, NOT_CONFIRMED
from truly_sparse.analysis.names import dataset_title
from truly_sparse.analysis.reading import by_topic, claims, confirmed, listed
from truly_sparse.analysis.statements import Statement
from truly_sparse.studies.spas.runs import EVOLVING, MLP, SPAS, STATIC
from truly_sparse.studies.spas.verdicts import ensembles
from truly_sparse.studies.spas.verdicts.claims import CONVOLUTIONAL

VERDICTS, TABLE3, TABLE5 = "spas_verdicts", "spas_table3", "spas_table5"


def _counts(evidence: Evidence) -> str:
    rows = claims(evidence, table=VERDICTS)
    rows = rows[~rows["topic"].isin((CONVOLUTIONAL, ensembles.TOPIC))]
    if rows.empty:
        raise Missing("no claim about perceptrons has been tested")
    return (
        f"Of {len(rows)} claims about perceptrons that could be tested, {confirmed(rows, CONFIRMED)} are confirmed, "
        f"{confirmed(rows, EXPLAINED)} differ only as explained, and {confirmed(rows, NOT_CONFIRMED)} are not "
        "confirmed."
    )


def _not_confirmed(evidence: Evidence) -> str:
    rows = claims(evidence, table=VERDICTS)
    rows = rows[rows["verdict"] == NOT_CONFIRMED]
    if rows.empty:
        raise Missing("every claim is confirmed or explained")
    return f"Claims that are not confirmed, by topic: {by_topic(rows)}."


def _sparsest(evidence: Evidence) -> list[str]:
    """Say what networks with shortcuts reach at the highest compression, a sentence per dataset of pictures."""
    rows = evidence.rows(TABLE3, metric="iqm", model=SPAS)
    rows = rows[rows["value"].notna()]
    sentences = []
    for dataset, own in rows.groupby("dataset", sort=False):
        sparse = own[own["compression"] == own["compression"].max()].set_index("mode")
        if not {STATIC, EVOLVING} <= set(sparse.index):
            continue
        parts = [f"{_iqm(sparse.loc[mode])} {words}" for mode, words in _TRAINED.items()]
        sentences.append(
            f"On {dataset_title(str(dataset))} a network with shortcuts reaches {listed(parts)} at compression "
            f"{formats.number(own['compression'].max())}."
        )
    if not sentences:
        raise Missing("no network with shortcuts has finished both ways of training")
    return sentences


_TRAINED = {STATIC: "with a static topology", EVOLVING: "with SPaSET"}


def _iqm(row: pd.Series) -> str:
    printed = "" if pd.isna(row["published"]) else f" (published {row['published']:.1f})"
    return f"{row['value']:.1f} %{printed}"


def _best(evidence: Evidence) -> str:
    rows = evidence.rows(TABLE5, metric="delta_iqm", method=MLP)
    rows = rows[rows["value"].notna() & rows["published"].notna()]
    if rows.empty:
        raise Missing("no dataset has both models")
    parts = [
        f"{formats.difference(row['value'])} on {dataset_title(row['dataset'])} "
        f"({formats.difference(row['published'])})"
        for row in rows.to_dict("records")
    ]
    return f"Each in its best setting, shortcuts add in points, with the published number behind: {listed(parts)}."


STATEMENTS = (
    *(Statement("Reproduced", say) for say in (_counts, _sparsest)),
    *(Statement("NotReproduced", say) for say in (_not_confirmed,)),
    Statement("Best", _best),
)
