"""What the text of the study is given: macros, sentences, and the tables of settings and datasets."""

from truly_sparse.analysis import facts
from truly_sparse.analysis.study import Config, Study
from truly_sparse.studies.whitaker.findings.listed import STATEMENTS

#: Experiments whose settings and datasets the text describes, and what the captions call them.
MAINS = {"whitaker_rates": "Table R", "whitaker_large": "Table 5.2"}


def write(study: Study, config: Config) -> facts.Gathered:
    """Write and return what `facts.write` does."""
    return facts.write(study, config, MAINS, STATEMENTS)
