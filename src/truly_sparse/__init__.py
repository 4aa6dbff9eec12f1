"""Truly sparse ensembles: no dense weight matrix and no mask, in training or inference."""

__version__ = "0.1.0"
