"""The paper's schedule: rate, SET steps, members."""

import matplotlib.pyplot as plt

from truly_sparse.estimators.presets import PAPER
from truly_sparse.training.config import TrainingConfig
from truly_sparse.training.schedule import schedule

plan = schedule(TrainingConfig())
explored = PAPER["exploration_epochs"]
figure, (top, bottom) = plt.subplots(2, 1, figsize=(8, 3.4), sharex=True, layout="constrained")
top.step([e.number for e in plan], [e.learning_rate for e in plan], where="post")
top.set(ylabel="rate η", ylim=(0, 0.14))
bottom.plot(
    [e.number for e in plan if e.evolve],
    [e.prune_fraction for e in plan if e.evolve],
    ".",
    markersize=3,
)
bottom.set(ylabel="part moved ζ", xlabel="epoch", ylim=(0, 0.25))
ends = [e.number + 1 for e in plan if e.ends_member]
for ax in (top, bottom):
    ax.axvspan(0, explored, color="0.93", zorder=-1)
    for end in ends:
        ax.axvline(end, color="C3", linewidth=0.8)
top.text(explored / 2, 0.115, "exploration", ha="center")
for number, end in enumerate(ends, 1):
    top.text(end - PAPER["member_epochs"] / 2, 0.115, f"member {number}", ha="center")
