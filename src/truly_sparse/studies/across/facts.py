"""What the text is given: macros, sentences, and the tables of settings and datasets."""

from truly_sparse.analysis.facts import Text
from truly_sparse.studies.across.findings import STATEMENTS

#: The experiment whose settings and datasets the text describes, and how captions call it.
TEXT = Text({"across": "Table A1"}, STATEMENTS)
