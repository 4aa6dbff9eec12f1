"""Use an installed package from outside its sources: python smoke.py SITE_FOLDER MODEL_FILE."""

import pickle
import sys

import numpy as np
from sklearn.datasets import load_iris

import truly_sparse
from truly_sparse import SparseMLPClassifier, TrulySparseEnsembleClassifier, TrulySparseEnsembleRegressor

assert truly_sparse.__file__.startswith(sys.argv[1]), truly_sparse.__file__
x, y = load_iris(return_X_y=True)
small = {"hidden_layer_sizes": (30, 20), "members": 2, "exploration_epochs": 20, "member_epochs": 10}
model = TrulySparseEnsembleClassifier(**small).fit(x, y)
assert model.score(x, y) > 0.9
assert np.array_equal(pickle.loads(pickle.dumps(model)).predict(x), model.predict(x))
assert SparseMLPClassifier(hidden_layer_sizes=(30,), epochs=20).fit(x, y).score(x, y) > 0.8
assert TrulySparseEnsembleRegressor(**small).fit(x[:, :3], x[:, 3]).score(x[:, :3], x[:, 3]) > 0.5
truly_sparse.save_model(model, sys.argv[2])
assert np.array_equal(truly_sparse.load_model(sys.argv[2]).predict_proba(x), model.predict_proba(x))
print(model.summary())
message = "a plot without matplotlib"
try:
    model.plot_training()
except truly_sparse.errors.UserError as error:
    message = str(error)
assert "pip install" in message, message
