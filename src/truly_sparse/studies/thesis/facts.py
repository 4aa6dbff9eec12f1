"""What the text of the thesis is given: macros, sentences, and the tables of settings and datasets."""

from truly_sparse.analysis.facts import Text
from truly_sparse.studies.thesis.findings import STATEMENTS

#: The experiments whose settings and datasets the text describes, the first that has runs, and how captions call them.
TEXT = Text({"thesis_table7": "Table VII", "thesis_tables8_9": "Tables VIII and IX"}, STATEMENTS)
