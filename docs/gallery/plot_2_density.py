"""
How sparse can it be?
=====================

Accuracy of one network by density, with links that evolve (SET) and with links that stay
(static), over three splits of made-up data: few of the features say something, and a network
with few links has to find them.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split

from truly_sparse import SparseMLPClassifier

x, y = make_classification(
    2000, n_features=60, n_informative=12, n_redundant=0, n_classes=4, random_state=0
)
epsilons = (0.5, 1, 2, 5, 10, 30)
scores, densities = {}, {}
for topology in ("set", "static"):
    for epsilon in epsilons:
        for seed in range(3):
            x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=seed)
            model = SparseMLPClassifier(
                topology,
                epsilon=epsilon,
                hidden_layer_sizes=(300, 300),
                epochs=40,
                preprocessing="standard",
                random_state=seed,
            ).fit(x_train, y_train)
            scores[topology, epsilon, seed] = model.score(x_test, y_test)
        densities[epsilon] = model.summary()[-1]["density"]

# %%
# Mean and range of the three splits. The density counts all blocks, the dense output block too.

figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for topology in ("set", "static"):
    found = 100 * np.array([[scores[topology, e, seed] for seed in range(3)] for e in epsilons])
    places = [densities[e] for e in epsilons]
    line = ax.semilogx(places, found.mean(axis=1), "o-", label=topology)[0]
    ax.fill_between(places, found.min(axis=1), found.max(axis=1), color=line.get_color(), alpha=0.2)
ax.set(xlabel="density: links / possible links", ylabel="test accuracy (%)")
ax.legend()
