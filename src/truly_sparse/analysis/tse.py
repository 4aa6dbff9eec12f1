"""What the sources of truly sparse ensembles compare: the methods, the density, the number."""

#: The strategies that are proposed.
PROPOSED = ("rd_tse", "fd_tse", "dist_tse")
#: The method they are compared with, and all four.
BASELINE = "edst_rg"
ENSEMBLES = (BASELINE, *PROPOSED)
#: The density at which most is compared.
EPSILON = 20
ACCURACY = "test_accuracy"
