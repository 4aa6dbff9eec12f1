"""One look per method, the same in every figure."""

from truly_sparse.analysis.style import BLUE, GREEN, ORANGE, PURPLE

#: Colour and marker of the four ensemble methods.
LOOKS = {"edst_rg": (BLUE, "o"), "rd_tse": (ORANGE, "s"), "fd_tse": (GREEN, "^"), "dist_tse": (PURPLE, "D")}
