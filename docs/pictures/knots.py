"""A regression's predicted distribution over the knots of the target, and the mean that is its prediction."""

import matplotlib.pyplot as plt
from sklearn.datasets import load_diabetes

from truly_sparse import TrulySparseEnsembleRegressor

x, y = load_diabetes(return_X_y=True)
model = TrulySparseEnsembleRegressor(hidden_layer_sizes=(100,), early_stopping=True).fit(
    x[:350], y[:350]
)
shares, means = model.predict_distribution(x[350:353]), model.predict(x[350:353])
figure, ax = plt.subplots(figsize=(8, 2.6), layout="constrained")
for row in range(3):
    line = ax.plot(model.knots_, shares[row], ".-", label=f"row {row + 1}")[0]
    ax.axvline(means[row], color=line.get_color(), linestyle="--", linewidth=1)
ax.set(xlabel="target (points: knots; dashed: the prediction)", ylabel="predicted share")
ax.legend()
