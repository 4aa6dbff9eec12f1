"""Truly sparse ensembles: no dense weight matrix and no mask, in training or inference."""

__version__ = "0.1.0"

__all__ = ["TrulySparseEnsembleClassifier", "__version__"]


def __getattr__(name: str) -> object:
    # Imported at first use: the workflow imports this package for every job and needs no compiler there.
    if name == "TrulySparseEnsembleClassifier":
        from truly_sparse.ensembles.estimator import TrulySparseEnsembleClassifier

        return TrulySparseEnsembleClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
