"""How the links of a convolution are walked in a band: forward, errors, and the gradient of one link."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from truly_sparse.engine.convolution.layers import Convolution, Plan, tables
from truly_sparse.engine.graph import Graph
from truly_sparse.engine.registers import LANES

TAKEN, MADE, COLUMNS, BLOCK, AT = 3, 2, 8, 4, 2
INSIDE = COLUMNS + 2
# Row, channel and column of a tap, and the channel a link leads to.
LINKS = [(0, 0, 2, 0), (1, 2, 0, 0), (2, 1, 1, 0), (0, 1, 0, 1), (1, 1, 2, 1), (2, 0, 1, 1)]
layers = [
    Convolution((0,), TAKEN, 1, 0),
    Convolution((1,), MADE),
    Convolution((2,), 2, 1, 0, pool="global"),
]
plan = Plan((1, 3, COLUMNS), layers)
source, target = plan.pairs[1]
keys = sorted(
    ((row * TAKEN + taken) * 3 + column) * MADE + made for row, taken, column, made in LINKS
)
links = {pair: np.zeros(0, np.int64) for pair in plan.pairs} | {(source, target): np.array(keys)}
graph, reach = Graph.of_blocks(plan.sizes, links), tables(plan, LANES)[2]
figure, axes = plt.subplots(3, 1, figsize=(8, 7.2), layout="constrained")


def cells(ax, top, rows, channels, columns, border, name):
    """Draw rows of a band, of which each has its channels one after the other."""
    for y in range(rows):
        for c in range(channels):
            for x in range(columns):
                empty = border and x in (0, columns - 1)
                colour = "0.93" if empty else plt.cm.Pastel2(c if channels == TAKEN else c + 4)
                ax.add_patch(
                    Rectangle((c * columns + x, top + y), 1, 1, facecolor=colour, edgecolor="white")
                )
            if y == 0:
                where, side = (top - 0.2, "bottom") if border else (top + 1.2, "top")
                ax.text((c + 0.5) * columns, where, f"{name} {c}", ha="center", va=side, fontsize=7)


def block(ax, place, top, channels, columns, colour):
    """Outline neighbouring positions from a place of a band on; return the middle of their lower edge."""
    row, rest = divmod(int(place), channels * columns)
    ax.add_patch(
        Rectangle((rest, top + row), BLOCK, 1, fill=False, edgecolor=colour, linewidth=1.8)
    )
    return rest + BLOCK / 2, top + row + 1


def lead(ax, start, end, colour, text):
    """Draw a link from one block to another."""
    ax.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 1.2})
    x, y = (0.35 * b + 0.65 * a for a, b in zip(start, end, strict=True))
    ax.text(x + 0.4, y, text, color=colour, fontsize=8)


own = graph.blocks[1]
taps, made = np.divmod(own.links(), MADE)
forward, errors, gradient = axes
cells(forward, 0, 3, TAKEN, INSIDE, True, "taken channel")
cells(forward, 5, 1, MADE, COLUMNS, False, "made channel")
for number, tap in enumerate(taps[made == 0]):
    colour = f"C{number}"
    start = block(forward, reach.forth[own.first + tap] // LANES + AT, 0, TAKEN, INSIDE, colour)
    lead(forward, start, (AT + 1 + number, 5), colour, f"$w_{number}$")
block(forward, AT, 5, MADE, COLUMNS, "black")
forward.set_title(
    "Forward: a channel walks the links that lead to it; the sums of its positions stay in registers"
)

cells(errors, 0, 3, MADE, INSIDE, True, "errors of channel")
cells(errors, 5, 1, TAKEN, COLUMNS, False, "errors of taken channel")
from_one = [number for number, tap in enumerate(taps) if tap // 3 % TAKEN == 1]
for order, number in enumerate(from_one):
    colour = f"C{order}"
    target_number = own.first_target + made[number]
    back = reach.back_tap[own.first + taps[number]] + reach.back_channel[target_number]
    start = block(errors, back // LANES + AT, 0, MADE, INSIDE, colour)
    lead(errors, start, (COLUMNS + AT + 1 + order, 5), colour, f"$w_{order}$")
block(errors, COLUMNS + AT, 5, TAKEN, COLUMNS, "black")
errors.set_title("Errors: a channel that was taken walks the links that lead from it, mirrored")

cells(gradient, 0, 3, TAKEN, INSIDE, True, "taken channel")
cells(gradient, 5, 1, MADE, COLUMNS, False, "errors of channel")
tap = taps[made == 0][0]
for shift in (0, BLOCK):
    start = block(gradient, reach.forth[own.first + tap] // LANES + shift, 0, TAKEN, INSIDE, "C0")
    end = block(gradient, shift, 5, MADE, COLUMNS, "C0")
    lead(gradient, start, (end[0], 5), "C0", "×")
gradient.text(
    MADE * COLUMNS + 1,
    5.5,
    "summed over all positions: 16 lanes, then one number",
    va="center",
    fontsize=8,
)
gradient.set_title("Gradient of one link: what it reaches times the errors, position by position")
for ax in axes:
    ax.set(xlim=(-0.5, TAKEN * INSIDE + 0.5), ylim=(6.9, -1.0))
    ax.axis("off")
    ax.title.set(fontsize=9)
