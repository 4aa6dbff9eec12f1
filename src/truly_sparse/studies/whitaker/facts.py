"""What the text of the study is given: macros, sentences, and the tables of settings and datasets."""

from truly_sparse.analysis.facts import Text
from truly_sparse.studies.whitaker.findings.listed import STATEMENTS

#: Experiments whose settings and datasets the text describes, and what the captions call them.
TEXT = Text({"whitaker_rates": "Table R", "whitaker_large": "Table 5.2"}, STATEMENTS)
