"""Truly sparse ensembles: no dense weight matrix and no mask, in training or inference."""

from truly_sparse import kernel_cache as _kernel_cache

__version__ = "0.1.0"

_ESTIMATORS = (
    "SparseCNNClassifier",
    "SparseMLPClassifier",
    "TrulySparseEnsembleClassifier",
    "TrulySparseEnsembleRegressor",
    "load_model",
    "save_model",
)
__all__ = [*_ESTIMATORS, "__version__", "open_table"]


_kernel_cache.settle()


def __getattr__(name: str) -> object:
    # Imported at first use: the workflow imports this package for every job and needs no compiler there.
    if name == "open_table":  # needs pandas
        from truly_sparse.estimators.table_files import open_table

        return open_table
    if name in _ESTIMATORS:
        from truly_sparse import estimators

        return getattr(estimators, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_ESTIMATORS, "open_table"])
