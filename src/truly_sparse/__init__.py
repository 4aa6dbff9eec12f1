"""Truly sparse ensembles: no dense weight matrix and no mask, in training or inference."""

from truly_sparse import kernel_cache as _kernel_cache

__version__ = "0.1.0"

__all__ = ["TrulySparseEnsembleClassifier", "__version__"]


_kernel_cache.settle()


def __getattr__(name: str) -> object:
    # Imported at first use: the workflow imports this package for every job and needs no compiler there.
    if name == "TrulySparseEnsembleClassifier":
        from truly_sparse.ensembles.estimator import TrulySparseEnsembleClassifier

        return TrulySparseEnsembleClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
