"""The methods of the journal's own."""

#: The strategies the journal proposes.
PROPOSED = ("rd_tse", "fd_tse", "dist_tse")
