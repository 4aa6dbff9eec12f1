"""How far a run is: a bar with an estimate in a terminal, a plain line now and then in a log."""

import sys
import time
from typing import Any

from tqdm import tqdm

LINES = 10


class Reporter:
    """Report the epochs of one run on standard error.

    Parameters
    ----------
    name : str
        What is being trained.
    epochs : int
        Epochs of the whole run.
    """

    def __init__(self, name: str, epochs: int) -> None:
        self.name, self.epochs, self.start, self.first = name, epochs, time.monotonic(), 0
        self.bar = tqdm(total=epochs, desc=name, unit="epoch") if sys.stderr.isatty() else None

    def say(self, text: str) -> None:
        """Print one line about this run."""
        print(f"{self.name}: {text}", file=sys.stderr, flush=True)

    def update(self, done: int, latest: dict[str, Any]) -> None:
        """Tell that `done` epochs are over; `latest` is the newest row of the history."""
        if self.bar is not None:
            self.bar.update(done - self.bar.n)
            self.bar.set_postfix(loss=f"{latest['loss']:.3f}", refresh=False)
            return
        self.first = self.first or done
        if done * LINES // self.epochs > (done - 1) * LINES // self.epochs:
            each = (time.monotonic() - self.start) / (done - self.first + 1)
            self.say(
                f"epoch {done} of {self.epochs}, loss {latest['loss']:.4f}, "
                f"validation accuracy {latest['validation_accuracy'] or float('nan'):.4f}, "
                f"{each * (self.epochs - done):.0f} s left"
            )

    def close(self, failure: str | None) -> None:
        """End the report, with what to do where the run diverged."""
        if self.bar is not None:
            self.bar.close()
        if failure is not None:
            self.say(f"diverged: {failure}")
