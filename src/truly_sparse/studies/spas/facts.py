"""What the text of SPaS is given: macros, sentences, and the tables of settings and datasets."""

from truly_sparse.analysis.facts import Text
from truly_sparse.studies.spas.findings.listed import STATEMENTS

#: Experiments whose settings and datasets the text describes, and what the captions call them.
TEXT = Text({"spas_cifar": "Table 3"}, STATEMENTS)
