"""The command line; the workflow calls nothing else."""
