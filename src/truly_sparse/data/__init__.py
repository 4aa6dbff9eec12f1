"""Fetch, verify, split, scale: returns arrays and knows nothing of models."""

from truly_sparse.data.arrays import Arrays, load

__all__ = ["Arrays", "load"]
