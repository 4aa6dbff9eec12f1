"""What the text of the journal is given: macros, sentences, and the tables of settings and datasets."""

import pandas as pd

from truly_sparse.analysis.facts import Text
from truly_sparse.experiments.records import Record
from truly_sparse.studies.journal.findings.cost import FALLBACKS
from truly_sparse.studies.journal.findings.listed import STATEMENTS


def _fallbacks(records: list[Record]) -> dict[str, pd.DataFrame]:
    """Return which methods ran out of places that were not blocked: in how many runs, and with how many links."""
    rows = [(record["method"], record["blocked_fallbacks"]) for record in records if record.get("blocked_fallbacks")]
    frame = pd.DataFrame(rows, columns=["method", "links"])
    return {FALLBACKS: frame.groupby("method", sort=False)["links"].agg(runs="count", links="sum").reset_index()}


#: The experiment whose settings and datasets the text describes, and what the captions call it.
TEXT = Text({"table1": "Table 1"}, STATEMENTS, _fallbacks)
