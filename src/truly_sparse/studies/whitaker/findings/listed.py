"""All statements of the study, in the order in which the text has them."""

from truly_sparse.studies.whitaker.findings import chapters, ours, reproduced

STATEMENTS = (*reproduced.STATEMENTS, *chapters.STATEMENTS, *ours.STATEMENTS)
