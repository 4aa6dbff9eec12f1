"""Tables of the study, one file each."""
