"""One sparse network: kernels, topology, loss, optimiser, files. Knows nothing of ensembles or datasets."""
