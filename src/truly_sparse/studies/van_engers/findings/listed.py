"""All statements of the study, in the order in which the text has them."""

from truly_sparse.studies.van_engers.findings import asked, reproduced

STATEMENTS = (*reproduced.STATEMENTS, *asked.STATEMENTS)
