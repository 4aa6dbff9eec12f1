"""Members that start from scratch and know nothing of each other: by any process, to the bits of one run of all."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from truly_sparse.engine.rows import Samples
from truly_sparse.estimators.children import AtOnce
from truly_sparse.estimators.fit_config import FitConfig
from truly_sparse.training.loop import End, Loop, Member, Problem, Progress
from truly_sparse.training.sampling import Sampler
from truly_sparse.training.stage import Stage
from truly_sparse.training.start import fresh
from truly_sparse.training.targets import Targets


class Task(NamedTuple):
    """What members are made with, besides rows: among it the epochs of earlier fits; `threads` share steps of one."""

    sampler: Sampler
    targets: Targets
    settings: FitConfig
    seed: int
    past: int
    threads: int = 1


class Made(NamedTuple):
    """What a stage made, numbered as in a run of all stages, and what went wrong, if something did."""

    members: list[Member]
    history: list[dict[str, Any]]
    end: End
    failure: str | None


def independent(stages: Sequence[Stage], settings: FitConfig) -> bool:
    """Return whether each stage can be made alone: it starts afresh, and how many steps are before it is known."""
    if len(stages) < 2 or settings.patience:
        return False
    return all(
        stage.start == "fresh"
        and len(stage.epochs) > 0
        and stage.bag == 1
        and not stage.disjoint
        and {stage.change, stage.derive, stage.anneal, stage.harvest} == {None}
        for stage in stages
    )


def make(x: Samples, x_validation: Samples, task: Task, stages: Sequence[Stage], place: int) -> Made:
    """Make what the stage at a place makes in a run of all stages."""
    # Rows that joblib keeps in a file are of a class of their own, for which nothing should be compiled anew.
    x, x_validation = (np.asarray(rows) if isinstance(rows, np.ndarray) else rows for rows in (x, x_validation))
    start = fresh("sparse", x.shape[1], task.targets.classes, task.settings)
    own = stages[place]
    own = replace(own, number=place if own.number is None else own.number)
    problem, before = Problem(x, x_validation, task.sampler, task.targets), End({}, {}, task.past)
    loop = Loop(problem, task.settings, [own], start, task.seed, before, threads=task.threads)
    epochs = sum(len(stage.epochs) for stage in stages[:place])
    loop.progress.step = epochs * (task.sampler.size // task.settings.batch_size)
    loop.run()
    members = [replace(member, epoch=member.epoch + epochs) for member in loop.members]
    history = [row | {"epoch": row["epoch"] + epochs, "member": place} for row in loop.progress.history]
    end = loop.end()
    return Made(members, history, replace(end, epochs=end.epochs + epochs), loop.progress.failure)


class Apart:
    """A run of stages that are made at the same time, in place of a `Loop`.

    Attributes
    ----------
    progress : Progress
        With the history of all stages, and what went wrong in the first that went wrong.
    members : list of Member
    """

    def __init__(
        self, problem: Problem, task: Task, stages: Sequence[Stage], jobs: int | None, processors: int
    ) -> None:
        self.problem, self.progress = problem, Progress()
        self.members: list[Member] = []
        self._task, self._stages, self._jobs, self._processors = task, stages, jobs, processors
        self._end = End({}, {}, task.past)

    def run(self, after_stage: Callable[[None], None]) -> None:
        """Make all stages; `after_stage` is called whenever one is over, with ``progress.epoch`` moved on."""
        ends = np.cumsum([0, *(len(stage.epochs) for stage in self._stages)]).tolist()

        def over(stages: int) -> None:
            self.progress.epoch = ends[stages]
            after_stage(None)

        rows, places = (self.problem.x, self.problem.x_validation), range(len(self._stages))
        for made in AtOnce(self._jobs, self._processors, over).make(make, rows, self._task, self._stages, places):
            self.members += made.members
            self.progress.history += made.history
            self.progress.failure = self.progress.failure or made.failure
            self._end = made.end

    def end(self) -> End:
        """Return where the last stage ended."""
        return self._end
