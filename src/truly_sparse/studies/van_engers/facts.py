"""What the text is given: macros, sentences, and the tables of settings and datasets."""

from truly_sparse.analysis import facts
from truly_sparse.analysis.study import Config, Study
from truly_sparse.studies.van_engers.findings.listed import STATEMENTS
from truly_sparse.studies.van_engers.runs import SWEEP

#: The experiment whose settings and datasets the text describes, and what the captions call it.
MAINS = {SWEEP: "the sweep over ζ"}


def write(study: Study, config: Config) -> facts.Gathered:
    """Write and return what `facts.write` does."""
    return facts.write(study, config, MAINS, STATEMENTS)
