"""The package's estimators in scikit-learn's conventions, and what one can ask a fitted one."""

from truly_sparse.estimators.classifiers import SparseMLPClassifier, TrulySparseEnsembleClassifier
from truly_sparse.estimators.model_files import load_model, save_model
from truly_sparse.estimators.pictures import SparseCNNClassifier
from truly_sparse.estimators.regressor import TrulySparseEnsembleRegressor

__all__ = [
    "SparseCNNClassifier",
    "SparseMLPClassifier",
    "TrulySparseEnsembleClassifier",
    "TrulySparseEnsembleRegressor",
    "load_model",
    "save_model",
]
