"""What the ensemble classifier and regressor share: methods, members, schedule, and children of one parent."""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy.typing as npt
from joblib import effective_n_jobs
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from tqdm.auto import tqdm

from truly_sparse.engine.pieces import Pieces
from truly_sparse.engine.rows import NonZeros, Samples
from truly_sparse.ensembles import methods
from truly_sparse.ensembles.method import Method
from truly_sparse.ensembles.strategies import Strategy
from truly_sparse.ensembles.trainer import create, kind_of
from truly_sparse.errors import UserError
from truly_sparse.estimators import apart, children, presets
from truly_sparse.estimators.apart import Apart
from truly_sparse.estimators.base import ONE_EPOCH, MakeTargets, SparseEstimator
from truly_sparse.estimators.children import AtOnce, Made, Parent, Task
from truly_sparse.estimators.distinct_rows import Table, digest
from truly_sparse.estimators.fit_config import FitConfig
from truly_sparse.estimators.halving import checked, show_epoch
from truly_sparse.estimators.parameters import EnsembleParameters
from truly_sparse.estimators.state import Model, Trained
from truly_sparse.training.loop import End, Loop, Member, Problem
from truly_sparse.training.stage import Stage

#: Of the epochs of fast geometric ensembles, what comes before the cycles that are counted apart.
BEFORE_CYCLES = 0.78


def method_names() -> list[str]:
    """Return the names that `method` takes: every escape strategy, then the methods of more than one member."""
    return [*methods.strategies(), *methods.of_many()]


class Ensemble(EnsembleParameters, SparseEstimator):
    """Members that follow one another in one run, or children of one parent."""

    _presets: ClassVar[Mapping[str, Mapping[str, Any]]] = presets.ENSEMBLE

    def add_members(
        self, n: int, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> Self:
        """Make more subnetworks of the same parent; with the same parameters, those that a larger fit would have had.

        `method` is "sparse_subnetworks", "stochastic_subnetworks", or another one that makes all members of one trained
        network. Of those that are chosen or drawn, not tuned ("noisy_subnetworks", "mc_dropout"), all are made anew,
        the earlier ones as they were. A loaded or unpickled model takes more members, too. The parameter `members`
        stays as it is.

        Parameters
        ----------
        n : int
            How many; with `sampler` "partition" a multiple of `parts`.
        X, y, sample_weight
            What `fit` had, in any order of the rows.

        Returns
        -------
        self

        Raises
        ------
        UserError
            If the members are not children of one network, or the rows, targets or weights are others.
        """
        check_is_fitted(self)
        presets.SETTINGS["members"].check("n", n)
        if self._model.parent is None or not self._kin():
            raise UserError(
                f"add_members needs children of one network, which method {self._shown()} does not make; set "
                "warm_start=True, raise members and call fit"
            )
        changes = {"members": self._model.parent.children + int(n), "same_rows": True}
        return self._fit(X, y, sample_weight, self._model, changes)

    def _fit(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None,
        before: Model | None,
        changes: Mapping[str, Any] | None = None,
    ) -> Self:
        """Train, or go on from `before`, with changes of the settings."""
        raise NotImplementedError

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.sparse &= self.method != "stochastic_subnetworks"
        return tags

    def _method(self) -> str | type[Method] | type[Strategy]:
        if isinstance(self.method, type) and issubclass(self.method, Method | Strategy):
            return self.method
        name = str(self.method).replace("-", "_").lower()
        if name not in method_names():
            raise UserError(f"method {self.method!r} is none of {', '.join(method_names())}")
        return name

    def _shown(self) -> str:
        """Return the name of the method."""
        method = self._method()
        return method if isinstance(method, str) else method.__name__

    def _workers(self) -> int | None:
        return self._jobs()

    def _kin(self) -> bool:
        """Return whether all members come of one network, which is trained for `parent_epochs`."""
        return kind_of(self._method()).family or self._method() == "mc_dropout"

    def _chooses(self) -> bool:
        return kind_of(self._method()).chooses

    def _preset(self) -> Mapping[str, Any]:
        return presets.of_method(super()._preset(), self._method())

    def _parent_part(self) -> float:
        return presets.parent_part(self._method())

    def _settings(self) -> dict[str, Any]:
        self._jobs()
        settings = super()._settings()
        if self._chooses() and not settings["validation_fraction"]:
            raise UserError("noisy subnetworks are chosen by validation rows; raise validation_fraction above 0")
        return settings

    def _no_stream(self) -> str | None:
        try:
            kind = kind_of(self._method())
        except UserError:  # said where it is used
            return None
        if kind.family or kind.of_one:
            return f"method {self._shown()} makes all members of one network, which has no partial_fit; fit it instead"
        return None

    def _of_trial(self, settings: dict[str, Any]) -> dict[str, Any]:
        members = int(settings["members"])
        return super()._of_trial(settings) | {"members": members if self._kin() else min(members, presets.TRIED)}

    def _streams(self) -> int:
        return int(self._settings()["members"])

    def _one_epoch(self, before: Model | None) -> dict[str, Any]:
        settings = super()._one_epoch(before)
        if before is not None and self.members is not None and self.members != len(before.members):
            raise UserError(
                f"partial_fit trains the {len(before.members)} members that there are, but members is {self.members}"
            )
        if self.learning_rate is None:  # it never falls
            settings["learning_rate"] = presets.SINGLE[self.preset]["learning_rate"]
        return settings | {"refinement": "none"}

    def _lengths(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        if ONE_EPOCH in settings:
            return {}
        method, members, each = self._method(), int(settings["members"]), int(settings["member_epochs"])
        if self._kin():
            epochs = int(settings["parent_epochs"])
            return {"members": members, "exploration_epochs": epochs, "epochs": epochs}
        exploration, alone = int(settings["exploration_epochs"]), kind_of(method).alone
        cycle = max(1, round((exploration + members * each) / members))
        before = self._earlier()
        if before is not None:
            members -= len(before.members)
            exploration = exploration if alone else 0
        epochs = exploration + (1 if alone else members) * each
        if method == "snapshot":
            epochs = exploration = members * cycle
        elif method == "fast_geometric":
            epochs = exploration = max(4, round((epochs - 4 * (members - 1)) / BEFORE_CYCLES))
        return {"members": members, "exploration_epochs": exploration, "epochs": epochs}

    def _train(self, table: Table, make: MakeTargets, settings: dict[str, Any], before: Model | None = None) -> None:
        """Train the members that are missing; see `SparseEstimator._train`."""
        if ONE_EPOCH in settings:
            super()._train(table, make, settings, before)
            return
        kin = before.parent if before is not None and self._kin() else None
        if settings.pop("same_rows", False) and kin is not None:
            if digest(table) != kin.digest:
                raise UserError(
                    f"these are not the rows, targets and weights of fit ({kin.rows} distinct rows then, "
                    f"{len(table.y)} now); give add_members the same"
                )
        else:
            others = len(before.members) if before is not None and not self._kin() else 0
            missing = int(settings["members"]) - (kin.children if kin is not None else others)
            if missing < 0:
                raise UserError("warm_start takes no members away; raise members, or set warm_start=False")
            if missing == 0:
                warnings.warn("warm_start found all members trained already; raise members to add some", stacklevel=5)
                return
        super()._train(table, make, settings, before)

    def _learned(
        self, table: Table, problem: Problem, settings: dict[str, Any], seed: int, before: Model | None
    ) -> Trained:
        """Train a parent, unless there is one, and make its children; see `SparseEstimator._learned` for the others."""
        method, config = self._method(), checked(settings)
        if method == "stochastic_subnetworks" and isinstance(problem.x, NonZeros):
            raise UserError(
                "stochastic_subnetworks has links that take part in some steps only, which are not trained on sparse "
                'rows; set method to "sparse_subnetworks", or make X dense'
            )
        stages = children.stages_of(method, config)
        if not self._kin() or not children.independent(stages):
            return super()._learned(table, problem, settings, seed, before)
        old = before.parent if before is not None else None
        tuned = len(stages[1].epochs) > 0
        first = old.children if old is not None and tuned else 0
        with self._bar(stages[1 + first :] if old is not None else stages) as bar:
            if old is not None:
                parent, past, members, history = old.member, old.past, [], []
            else:
                end = before.end if before is not None else None

                def whole(config: FitConfig) -> list[Stage]:
                    return [replace(children.stages_of(method, config, before is not None)[0], collects=True)]

                loop = self._run(problem, settings, seed, whole, end, bar)
                parent, past, history = loop.members[0], end.epochs if end is not None else 0, loop.progress.history
                members = [parent] if stages[0].collects else []
            task = Task(problem.sampler, problem.targets, config, method, seed, past)
            for made in self._children(problem, task, parent, range(1 + first, len(stages)), stages, bar):
                members += made.members
                history = [*history, *made.history]
        epochs = len(history) + (len(before.history) if before is not None else 0)
        kept = len(before.members) - old.children if before is not None and old is not None and not tuned else None
        end = End(parent.arrays, {}, epochs)
        return Trained(
            members, history, end, Parent(parent, config.members, seed, past, len(table.y), digest(table)), kept
        )

    def _loop(
        self, problem: Problem, config: FitConfig, stages: list[Stage], seed: int, end: End | None
    ) -> Loop | Apart:
        """Return what trains some stages, at the same time if they know nothing of each other."""
        alone = effective_n_jobs(self._jobs()) == 1
        if alone or isinstance(problem.x, Pieces) or not apart.independent(stages, config):
            return super()._loop(problem, config, stages, seed, end)
        past = end.epochs if end is not None else 0
        task = apart.Task(problem.sampler, problem.targets, config, seed, past)
        return Apart(problem, task, stages, self._jobs(), self._threads())

    def _in_turn(self, x: Samples, config: FitConfig) -> bool:
        stages = list(create(self._method(), config).stages(False))
        return super()._in_turn(x, config) and not self._kin() and not apart.independent(stages, config)

    def _children(
        self, problem: Problem, task: Task, parent: Member, places: range, stages: list[Stage], bar: tqdm
    ) -> list[Made]:
        """Make what stages after the parent's make, as many at a time as `n_jobs` says."""
        each, start, found = len(stages[-1].epochs), int(bar.n), []
        rows = problem.x, problem.x_validation
        jobs = self._jobs()
        alone = isinstance(problem.x, Pieces)  # other processes cannot read its file
        if effective_n_jobs(jobs) == 1 or len(places) == 1 or not each or alone:
            for number, place in enumerate(places):

                def show(row: dict[str, Any], over: int, before: int = start + number * each) -> None:
                    show_epoch(bar, row, before + over, task.targets.metric)

                found.append(children.make(*rows, task, parent, place, show))
        else:

            def over(tasks: int) -> None:
                bar.update(start + tasks * each - bar.n)

            found = AtOnce(jobs, self._threads(), over).make(children.make, rows, task, parent, places)
        for place, made in zip(places, found, strict=True):
            if made.halvings:
                warnings.warn(
                    f"child {place} diverged; it was trained once more with child_learning_rate "
                    f"{task.settings.child_learning_rate / 2**made.halvings:g}",
                    ConvergenceWarning,
                    stacklevel=7,
                )
        return found
