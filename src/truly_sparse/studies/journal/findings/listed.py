"""All statements of the study, in the order in which the text has them."""

from truly_sparse.studies.journal.findings import alike, cost, reproduced

STATEMENTS = (*reproduced.STATEMENTS, *alike.STATEMENTS, *cost.STATEMENTS)
