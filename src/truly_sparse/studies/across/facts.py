"""What the text is given: macros, sentences, and the tables of settings and datasets."""

from truly_sparse.analysis import facts
from truly_sparse.analysis.study import Config, Study
from truly_sparse.studies.across.findings import STATEMENTS

#: The experiment whose settings and datasets the text describes, and how captions call it.
MAINS = {"across": "Table A1"}


def write(study: Study, config: Config) -> facts.Gathered:
    """Write and return what `facts.write` does."""
    return facts.write(study, config, MAINS, STATEMENTS)
