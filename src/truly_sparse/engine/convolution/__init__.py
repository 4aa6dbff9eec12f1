"""Truly sparse convolutional networks: layers, kernels that walk their links, and the networks of the sources."""
