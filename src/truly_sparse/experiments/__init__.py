"""Experiments: the grid of runs, one run, and the records that runs leave behind."""
