"""
Looking inside an ensemble
==========================

What the links of a trained ensemble say: which pixels of handwritten digits they chose, how the degrees spread,
and how far the members disagree.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from truly_sparse import TrulySparseEnsembleClassifier

x_train, x_test, y_train, y_test = train_test_split(*load_digits(return_X_y=True), random_state=0)
model = TrulySparseEnsembleClassifier(hidden=(200, 200), epsilon=10, exploration_epochs=20, validation_fraction=0.1)
model.fit(x_train, y_train)
print(f"test accuracy {model.score(x_test, y_test):.3f}")
model.summary()

# %%
# Strength of the input links by pixel: the borders, which are nearly always empty, have little.

plt.figure(figsize=(3, 3))
plt.imshow(model.feature_importances_.reshape(8, 8))

# %%
# Loss and validation score by epoch; exploration is shaded, and a member begins at each line.

model.plot_training()

# %%
# Evolution makes some neurons of the second layer more linked than others.

model.plot_degrees(block=1, side="in")

# %%
# How often two members predict different digits.

model.plot_disagreement(x_test)
