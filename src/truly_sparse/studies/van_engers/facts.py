"""What the text is given: macros, sentences, and the tables of settings and datasets."""

from truly_sparse.analysis.facts import Text
from truly_sparse.studies.van_engers.findings.listed import STATEMENTS
from truly_sparse.studies.van_engers.runs import SWEEP

#: The experiment whose settings and datasets the text describes, and what the captions call it.
TEXT = Text({SWEEP: "the sweep over ζ"}, STATEMENTS)
