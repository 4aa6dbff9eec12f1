"""
Looking inside an ensemble
==========================

What the links of a trained ensemble say: which pixels of handwritten digits they chose, how the
degrees spread, and how far the members disagree.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from truly_sparse import TrulySparseEnsembleClassifier

x_train, x_test, y_train, y_test = train_test_split(*load_digits(return_X_y=True), random_state=0)
model = TrulySparseEnsembleClassifier(
    hidden_layer_sizes=(200, 200), epsilon=10, exploration_epochs=20, validation_fraction=0.1
)
model.fit(x_train, y_train)
print(f"test accuracy {model.score(x_test, y_test):.3f}")

# %%
# The table of links. Each of the 64 pixels is encoded as several ramps, so that the first block
# has many inputs.

model.summary()

# %%
# Strength of the input links by pixel. The borders, which are nearly always empty, have little.

figure, ax = plt.subplots(figsize=(4, 3), layout="constrained")
image = ax.imshow(100 * model.feature_importances_.reshape(8, 8))
ax.set(xlabel="column of pixels", ylabel="row of pixels")
figure.colorbar(image, label="share of the links' strength (%)")

# %%
# The same as bars, for the strongest.

model.plot_importances(top=10)

# %%
# Loss and validation score by epoch. After an escape both recover quickly: the
# links that stayed remember.

model.plot_training()

# %%
# Links into each neuron of the second hidden layer. The start is a random graph; evolution lets
# some neurons have many.

model.plot_degrees(block=1)

# %%
# How often two members predict different digits.

model.plot_disagreement(x_test)
