"""Fetch, verify, split, scale: returns arrays and knows nothing of models."""

from truly_sparse.data.arrays import Arrays, load
from truly_sparse.data.prepare import prepare

__all__ = ["Arrays", "load", "prepare"]
