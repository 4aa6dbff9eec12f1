"""All statements of the study, in the order in which the text has them."""

from truly_sparse.studies.spas.findings import convolution, ours, reproduced

STATEMENTS = (*reproduced.STATEMENTS, *convolution.STATEMENTS, *ours.STATEMENTS)
