"""Training to the end, with half the rate where it diverges, under a progress bar."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sklearn.exceptions import ConvergenceWarning
from tqdm.auto import tqdm

from truly_sparse.errors import UserError
from truly_sparse.estimators.apart import Apart
from truly_sparse.estimators.children import HALVINGS
from truly_sparse.estimators.fit_config import FitConfig
from truly_sparse.training.config import contradiction
from truly_sparse.training.loop import Loop

AnyLoop = TypeVar("AnyLoop", bound=Loop | Apart)
#: Columns of `history_`.
HISTORY = ("epoch", "member", "phase", "learning_rate", "loss", "validation_score", "connections", "samples", "seconds")


def checked(settings: Mapping[str, Any]) -> FitConfig:
    """Return settings as one object, refusing what contradicts itself."""
    config = FitConfig.of(settings)
    wrong = contradiction(config, "sparse")
    if wrong is not None:
        raise UserError(wrong)
    return config


def run_halving(
    begin: Callable[[FitConfig], AnyLoop],
    settings: dict[str, Any],
    bar: tqdm,
    stacklevel: int | None,
    after_epoch: Callable[[AnyLoop], None] | None = None,
) -> AnyLoop:
    """Train to the end; a run that diverges starts anew with half the rate, a few times.

    Parameters
    ----------
    begin : callable
        Makes the loop of some settings.
    settings : dict
    bar : tqdm
        Shows the epochs.
    stacklevel : int or None
        How far above this function the user's call is, for warnings; None: nothing is said.
    after_epoch : callable, optional
        Is given the loop when an epoch is shown.

    Raises
    ------
    UserError
        Where the last run diverged as well.
    """
    for attempt in range(HALVINGS + 1):
        made = begin(checked(settings))

        def show(_: object, loop: AnyLoop = made) -> None:
            if loop.progress.history:
                show_epoch(bar, loop.progress.history[-1], loop.progress.epoch, loop.problem.targets.metric)
            else:
                bar.update(loop.progress.epoch - bar.n)
            if after_epoch is not None:
                after_epoch(loop)

        made.run(show)
        if made.progress.failure is None:
            return made
        if attempt < HALVINGS:
            half = settings["learning_rate"] / 2
            if stacklevel is not None:
                text = f"training diverged; once more with learning_rate {half:g}"
                warnings.warn(text, ConvergenceWarning, stacklevel=stacklevel)
            settings = settings | {"learning_rate": half}
            bar.reset()
    raise UserError(str(made.progress.failure))


def show_epoch(bar: tqdm, row: dict[str, Any], epochs: int, metric: str) -> None:
    """Have a progress bar show a row of the loop's history, after so many of the bar's epochs."""
    row = shown_row(row, metric)
    score = row["validation_score"]
    shown = {"loss": f"{row['loss']:.3f}", "member": row["member"] + 1}
    bar.set_postfix(shown | ({"score": f"{score:.3f}"} if score is not None else {}), refresh=False)
    bar.update(epochs - bar.n)


def shown_row(row: dict[str, Any], metric: str) -> dict[str, Any]:
    """Return what `history_` has of a row of the loop's history."""
    row = row | {"validation_score": row[f"validation_{metric}"]}
    return {name: row[name] for name in HISTORY}
