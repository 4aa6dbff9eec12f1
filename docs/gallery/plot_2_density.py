"""
How sparse can it be?
=====================

Accuracy of one network by density, with links that evolve (SET) and links that stay.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split

from truly_sparse import SparseMLPClassifier

x, y = make_classification(3000, n_features=60, n_informative=12, n_classes=4, n_clusters_per_class=2, random_state=0)
x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=0)

figure, ax = plt.subplots(layout="constrained")
for topology in ("set", "static"):
    densities, scores = [], []
    for epsilon in (0.5, 1, 3, 10, 30):
        model = SparseMLPClassifier(topology, epsilon=epsilon, hidden=(300, 300), epochs=40, preprocessing="standard")
        scores.append(model.fit(x_train, y_train).score(x_test, y_test))
        densities.append(model.summary()[-1]["density"])
    ax.semilogx(densities, scores, "o-", label=topology)
ax.set(xlabel="density: links / possible links", ylabel="test accuracy")
ax.legend()
