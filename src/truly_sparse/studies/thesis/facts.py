"""What the text of the thesis is given: macros, sentences, and the tables of settings and datasets."""

from truly_sparse.analysis import facts
from truly_sparse.analysis.study import Config, Study
from truly_sparse.studies.thesis.findings import STATEMENTS

#: The experiments whose settings and datasets the text describes, the first that has runs, and how captions call them.
MAINS = {"thesis_table7": "Table VII", "thesis_tables8_9": "Tables VIII and IX"}


def write(study: Study, config: Config) -> facts.Gathered:
    """Write and return what `facts.write` does."""
    return facts.write(study, config, MAINS, STATEMENTS)
