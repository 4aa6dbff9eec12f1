"""Plots of a fitted estimator; each draws into `ax` (or a new figure) and returns it."""

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from truly_sparse.engine.network import SparseMLP
from truly_sparse.errors import UserError

try:
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes
    from matplotlib.ticker import MaxNLocator, PercentFormatter
except ModuleNotFoundError:
    raise UserError('plots need matplotlib; pip install "truly-sparse[plots]"') from None


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    return plt.subplots(layout="constrained")[1]


def degrees(members: list[SparseMLP], block: int, side: str, ax: Axes | None) -> Axes:
    """Draw the distribution of links per neuron on one side of a block."""
    if side not in ("inputs", "outputs"):
        raise UserError(f'side is {side!r}; give "inputs" or "outputs"')
    ax = _axes(ax)
    for number, network in enumerate(members, 1):
        own = network.blocks[block]
        counts = np.diff(own.pointers) if side == "inputs" else own.fan_in()
        neurons = np.bincount(counts)
        ax.step(np.arange(len(neurons)), neurons, where="mid", label=f"member {number}", alpha=0.8)
    title = "links from each input neuron" if side == "inputs" else "links into each output neuron"
    ax.set(
        xlabel="links of a neuron",
        ylabel="neurons",
        title=f"Block {block}, {members[0].blocks[block].n_in} → {members[0].blocks[block].n_out}: {title}",
    )
    ax.legend()
    return ax


def importances(shares: npt.NDArray[np.float64], names: npt.NDArray[Any], top: int, ax: Axes | None) -> Axes:
    """Draw the `top` features by their share of the input links' strength."""
    ax = _axes(ax)
    order = np.argsort(shares)[::-1][:top][::-1]
    ax.barh([str(names[i]) for i in order], shares[order])
    ax.axvline(1 / len(shares), color="0.5", linestyle=":", linewidth=1)
    ax.set(xlabel="share of the input links' strength (dotted: if all were equal)")
    return ax


def training(history: list[dict[str, Any]], ax: Axes | None) -> Axes:
    """Draw the loss (left) and the validation score (right, where there is one) by epoch; exploration is shaded."""
    ax = _axes(ax)
    epochs = np.arange(1, len(history) + 1)
    ax.plot(epochs, [row["loss"] for row in history], color="C0")
    ax.set(xlabel="epoch")
    ax.set_ylabel("training loss", color="C0")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    phases = [(row["phase"] == "exploration", row["member"]) for row in history]
    starts = [0, *(i for i in range(1, len(phases)) if phases[i] != phases[i - 1]), len(phases)]
    for start, end in pairwise(starts):
        if phases[start][0] and len(starts) > 2:
            ax.axvspan(start + 0.5, end + 0.5, color="0.92", zorder=0, label=_once(ax, "exploration"))
        if start and phases[start][1] != phases[start - 1][1]:
            ax.axvline(start + 0.5, color="0.7", linewidth=0.8, label=_once(ax, "a member begins"))
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    scores = [row["validation_score"] for row in history]
    if all(score is not None for score in scores):
        right = ax.twinx()
        right.plot(epochs, scores, color="C1")
        right.set_ylabel("validation score", color="C1")
    return ax


def _once(ax: Axes, label: str) -> str | None:
    """Return a label, or None where the legend has it."""
    return None if label in ax.get_legend_handles_labels()[1] else label


def disagreement(predicted: npt.NDArray[np.int64], ax: Axes | None) -> Axes:
    """Draw the share of rows on which each two members predict differently, from classes [member][row]."""
    ax = _axes(ax)
    shares = (predicted[:, None] != predicted[None]).mean(axis=2)
    image = ax.imshow(shares, cmap="Blues", vmin=0)
    ax.figure.colorbar(image, ax=ax, label="rows predicted differently", format=PercentFormatter(1))
    ticks = np.arange(len(predicted))
    ax.set(xticks=ticks, yticks=ticks, xticklabels=ticks + 1, yticklabels=ticks + 1, xlabel="member", ylabel="member")
    for i, j in np.argwhere(~np.eye(len(predicted), dtype=bool)):
        dark = shares[i, j] > 0.5 * shares.max()
        ax.text(j, i, f"{shares[i, j]:.1%}", ha="center", va="center", color="w" if dark else "k", fontsize=8)
    return ax
