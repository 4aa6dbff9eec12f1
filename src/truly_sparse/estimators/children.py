"""Children of one parent, which know nothing of each other: each is made alone, by any process, to the same bits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs

from truly_sparse.engine import store
from truly_sparse.engine.rows import Samples
from truly_sparse.ensembles.method import Method
from truly_sparse.ensembles.strategies import Strategy
from truly_sparse.ensembles.trainer import create
from truly_sparse.errors import UserError
from truly_sparse.estimators.fit_config import FitConfig
from truly_sparse.training.loop import End, Loop, Member, Problem
from truly_sparse.training.sampling import Sampler
from truly_sparse.training.stage import Stage, of_one_parent
from truly_sparse.training.targets import Targets

#: How often what diverged starts anew with half the rate.
HALVINGS = 3
#: Called with a row of the history, and how many epochs are over.
AfterEpoch = Callable[[dict[str, Any], int], None]


@dataclass(frozen=True)
class Parent:
    """What children come of, and all that makes a later one the same as if it had been made with the others.

    Attributes
    ----------
    member : Member
        The trained network.
    children : int
        How many there are of it.
    seed, past : int
        Of the streams: the seed, and how many epochs were trained before the parent.
    rows : int
        Distinct rows of the fit.
    digest : str
        Of these rows, their targets and weights; see `distinct_rows.digest`.
    """

    member: Member
    children: int
    seed: int
    past: int
    rows: int
    digest: str


class Task(NamedTuple):
    """What children are made with, besides rows and parent; `threads` share the steps of one."""

    sampler: Sampler
    targets: Targets
    settings: FitConfig
    method: str | type[Method] | type[Strategy]
    seed: int
    past: int
    threads: int = 1


class Made(NamedTuple):
    """What a stage made: its members, the rows of its history, and how often its rate was halved."""

    members: list[Member]
    history: list[dict[str, Any]]
    halvings: int


def stages_of(method: str | type[Method] | type[Strategy], settings: FitConfig, begun: bool = False) -> list[Stage]:
    """Return the stages of a method; those of children whose links fall by and by are for their last state alone."""
    return list(create(method, replace(settings, selection="last", patience=0)).stages(begun))


def independent(stages: Sequence[Stage]) -> bool:
    """Return whether all stages but the first start from the network of that one, and leave nothing to each other."""
    return of_one_parent(stages) and all(stage.change is None and not stage.disjoint for stage in stages[1:])


def make(
    x: Samples, x_validation: Samples, task: Task, parent: Member, place: int, after_epoch: AfterEpoch | None = None
) -> Made:
    """Make what the stage at a place among those of a method makes, numbered as in a run of all stages.

    Where it diverges it is made anew with half the children's rate, a few times.

    Parameters
    ----------
    x, x_validation : Samples
    task : Task
    parent : Member
    place : int
        From 1; the parent's is 0.
    after_epoch : callable, optional
        Called after each epoch, with its row of the history and how many epochs of the stage are over.

    Raises
    ------
    UserError
        Where it diverges at every rate.
    """
    # Rows that joblib keeps in a file are of a class of their own, for which nothing should be compiled anew.
    x, x_validation = (np.asarray(rows) if isinstance(rows, np.ndarray) else rows for rows in (x, x_validation))
    problem = Problem(x, x_validation, task.sampler, task.targets)
    settings = task.settings
    for halvings in range(HALVINGS + 1):
        stages = stages_of(task.method, settings)
        loop = _loop(problem, settings, stages, task, parent, place)
        before = sum(len(stage.epochs) for stage in stages[1:place])

        def numbered(row: dict[str, Any], before: int = before) -> dict[str, Any]:
            return row | {"epoch": row["epoch"] + before, "member": place}

        def show(_: object, loop: Loop = loop, first: int = len(stages[0].epochs)) -> None:
            if after_epoch is not None and loop.progress.history:
                after_epoch(numbered(loop.progress.history[-1]), loop.progress.epoch - first)

        loop.run(show)
        if loop.progress.failure is None:
            members = [sharing(replace(one, epoch=one.epoch + before), parent) for one in loop.members]
            return Made(members, [numbered(row) for row in loop.progress.history], halvings)
        settings = replace(settings, child_learning_rate=settings.child_learning_rate / 2)
    raise UserError(str(loop.progress.failure).replace("lower learning_rate", "lower child_learning_rate"))


def _loop(
    problem: Problem, settings: FitConfig, stages: Sequence[Stage], task: Task, parent: Member, place: int
) -> Loop:
    """Return the loop of one stage after the parent's, which is over."""
    own = stages[place]
    if own.anneal is not None:  # before its last state, a child has links that are to fall
        settings = replace(settings, selection="last", patience=0)
    pair = (
        replace(stages[0], start="fresh", collects=False),
        replace(own, number=place if own.number is None else own.number),
    )
    # What a fresh network would be is of no interest.
    before = End({}, {}, task.past)
    loop = Loop(problem, settings, pair, lambda _: store.build(parent.arrays), task.seed, before, threads=task.threads)
    loop.adopt(parent, [])
    return loop


def sharing(member: Member, parent: Member) -> Member:
    """Return a member with its parent's arrays in place of its own where they are the same."""
    arrays: store.Arrays = {}
    for name, own in member.arrays.items():
        other = parent.arrays.get(name)
        same = other is not None and own.dtype == other.dtype and np.array_equal(own, other)
        arrays[name] = other if same and other is not None else own
    return replace(member, arrays=arrays)


def threads_of(tasks: int, workers: int, processors: int) -> list[int]:
    """Return how many threads share each of some tasks that take as long as each other.

    Workers without a task in the last round would wait: its tasks share the processors.
    """
    last = tasks % workers or min(tasks, workers)
    return [1] * (tasks - last) + [max(1, processors // last)] * last


class AtOnce(Parallel):
    """joblib's `Parallel` for stages that know nothing of each other and take as long as each other.

    Rows are shared in a file that each process maps, as memory of its own where it writes, which none does; `done` is
    told how many stages are over, whatever the backend.
    """

    def __init__(self, jobs: int | None, processors: int, done: Callable[[int], None]) -> None:
        super().__init__(jobs, batch_size=1, mmap_mode="c")
        self._processors, self._done = processors, done

    def make(self, call: Callable[..., Any], rows: tuple[Samples, Samples], task: Any, of: Any, places: range) -> Any:
        """Return what `call` makes of the rows, the task with threads of its own, `of` and each of the places."""
        threads = threads_of(len(places), effective_n_jobs(self.n_jobs), self._processors)
        return self(
            delayed(call)(*rows, task._replace(threads=number), of, place)
            for number, place in zip(threads, places, strict=True)
        )

    def print_progress(self) -> None:
        """Tell `done`, whenever joblib would print it."""
        self._done(self.n_completed_tasks)
