"""What the estimators share: settings, data on their way to a training run, members, prediction."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from joblib import Parallel, cpu_count, delayed, effective_n_jobs
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from tqdm.auto import tqdm

from truly_sparse.engine.network import Floats, SparseMLP
from truly_sparse.engine.pieces import Pieces
from truly_sparse.engine.prediction import FEW_IN_ORDER, ROWS, Ordered, Outputs, alike
from truly_sparse.engine.prediction import MANY as MANY_ROWS
from truly_sparse.engine.rows import NonZeros, Samples, chosen
from truly_sparse.ensembles import methods
from truly_sparse.ensembles.method import Method
from truly_sparse.ensembles.strategies import Strategy
from truly_sparse.ensembles.trainer import create, kind_of
from truly_sparse.errors import UserError
from truly_sparse.estimators import preprocessing, tables
from truly_sparse.estimators.apart import Apart
from truly_sparse.estimators.beside import Beside
from truly_sparse.estimators.checks import Checks, refuse_changes, seed_of
from truly_sparse.estimators.distinct_rows import Table, Weighted, Weights, split
from truly_sparse.estimators.encoding import Encoding
from truly_sparse.estimators.fit_config import FitConfig
from truly_sparse.estimators.halving import checked, run_halving, shown_row
from truly_sparse.estimators.predictor import Finish, Predictor, mean_of_members, refuse_overflow
from truly_sparse.estimators.presets import HELD_OUT, MANY, batch_size, fill_in, settle, shortened
from truly_sparse.estimators.state import Model, Trained, network_of
from truly_sparse.estimators.temperature import FEWEST, MOST_HELD, temperature_of
from truly_sparse.training import evolution
from truly_sparse.training.loop import End, Loop, Member, Problem
from truly_sparse.training.sampling import rows_of_bag
from truly_sparse.training.settings import settings_of
from truly_sparse.training.stage import Stage
from truly_sparse.training.start import fresh
from truly_sparse.training.targets import Targets

#: Makes targets of training rows, validation rows, and the weights of the latter.
MakeTargets = Callable[[npt.NDArray, npt.NDArray, Weights], Targets]
#: Rows that are encoded and predicted at a time, some times what the kernel takes; what the encoding takes of them
#: is still in a cache then.
PREDICTION_ROWS = 13 * ROWS
#: Links of all members up to which they are kept in another order as well, for the next call with a few rows.
MOST_KEPT = 4_000_000
#: Among settings, where each member trains one epoch: whether a SET step follows it.
ONE_EPOCH = "evolve_after"
#: Settings of the encoding and of a network's layers, which stay as they are where training goes on.
ENCODED, LAYERED = (
    ("preprocessing", "bins", "pairs"),
    ("hidden_layer_sizes", "shortcut_ratio", "activation", "negative_slope"),
)


class SparseEstimator(Checks):
    """Base of the estimators; the parameters are described there."""

    _presets: ClassVar[Mapping[str, Mapping[str, Any]]]
    #: Whether its members give probabilities of labels, which have a temperature.
    _calibrates: ClassVar[bool] = False
    #: While it fits, the trial that runs beside it; of a copy that makes such a trial, the same.
    _beside: Beside[float] | None = None
    _trial: Beside[float] | None = None

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        tags.input_tags.sparse = self.preprocessing is None or self.preprocessing in preprocessing.KEEPS_ZEROS
        return tags

    def _settings(self) -> dict[str, Any]:
        """Return all settings of training: the preset's, with the parameters that are not None."""
        given = self.get_params(deep=False)
        for name, own, _ in settings_of(type(self)):
            own.check(name, given.pop(name))
        settings = settle(self._preset(), given)
        if self.early_stopping:
            settings["selection"] = "best_validation"
            if self.validation_fraction is None:
                settings["validation_fraction"] = settings["validation_fraction"] or HELD_OUT
            if not settings["validation_fraction"]:
                raise UserError("early_stopping needs validation rows; raise validation_fraction above 0")
        if not settings["validation_fraction"]:
            settings["selection"] = "last"
        return settings

    def _preset(self) -> Mapping[str, Any]:
        """Return the settings of the preset."""
        return self._presets[self.preset]

    def _parent_part(self) -> float:
        """Return the part of all epochs that a parent takes where its epochs are "auto"."""
        return 1.0

    def _chooses(self) -> bool:
        """Return whether members are chosen by validation rows, without which there are none."""
        return False

    def _lengths(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the schedule's `epochs`, `exploration_epochs` and `members`."""
        raise NotImplementedError

    def _method(self) -> str | type[Method] | type[Strategy]:
        """Return the method of ensembles, by name or as a class."""
        raise NotImplementedError

    def _seed(self, before: Model | None) -> int:
        """Return the seed: of more children that of the parent, of all else what `random_state` gives."""
        if before is not None and before.parent is not None:
            return before.parent.seed
        return seed_of(self.random_state)

    def _train(self, table: Table, make: MakeTargets, settings: dict[str, Any], before: Model | None = None) -> None:
        """Train on distinct rows, or go on from `before`; sets the fitted attributes."""
        made_with = self._settled(settings)
        if before is not None:
            fresh_layers = ONE_EPOCH not in settings and kind_of(self._method()).alone
            refuse_changes(before.made_with, made_with, LAYERED if fresh_layers else ())
        seed = self._seed(before)
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1 << 16,)))
        train, held = split(table.y, settings["validation_fraction"], rng)
        trained_on = self._chooses() and not len(held)
        if trained_on:
            warnings.warn(f"{len(train)} rows leave none for validation; they choose the members as well", stacklevel=5)
            held = train
        of_held = table.y[held], table.weights[held]
        own = Table(chosen(table.x, train), table.y[train], table.weights[train]) if len(held) else table
        del train
        targets, sampler = make(own.y, *of_held), Weighted(own.weights)
        if before is None:
            kind = settings["preprocessing"]
            if isinstance(table.x, NonZeros):
                kind = preprocessing.for_sparse(self.preprocessing)
            scaling = preprocessing.create(kind, int(settings["bins"]))
            encoding = Encoding(scaling, self.categories_).fit(own.x, own.weights, own.y, int(settings["pairs"]))
        else:
            encoding = before.encoding
        learned = encoding.samples(own.x)
        wanted, settings = settings, self._filled(settings, own.weights, targets.classes, learned.shape[1])
        # Of no rows nothing is encoded, for which something would be compiled.
        nothing = np.empty((0, learned.shape[1]), np.float32)
        validated = encoding.transform_rows(chosen(table.x, held)) if len(held) else nothing
        if not len(held):
            if self.early_stopping:
                left = f"{len(table.y)} rows leave none for validation"
                why = "partial_fit holds no rows out" if ONE_EPOCH in settings else left
                warnings.warn(f"{why}; early stopping is off", stacklevel=5)
            settings = settings | {"selection": "last"}
        elif self.early_stopping:
            settings = settings | {"patience": int(self.patience)}
        problem = Problem(learned, validated, sampler, targets)
        temperature = before.temperature if before is not None else 1.0
        if ONE_EPOCH in settings:
            trained = self._learned_one_epoch(problem, settings, seed, before)
        else:
            calibrates = before is None and self._calibrates and settings["calibration_fraction"] and not trained_on
            trial = (own, learned, make, wanted, seed) if calibrates and not len(held) else None
            with self._trying(trial, settings):
                trained = self._learned(table, problem, settings, seed, before)
                if trial is not None:
                    temperature = self._tried(trial)
            if calibrates and trial is None:
                temperature = temperature_of_members(trained.members, validated, *of_held)
        old = before.members[: trained.kept] if before is not None and not kind_of(self._method()).single else []
        history = [*before.history] if before is not None else []
        history += [shown_row(row, targets.metric) for row in trained.history]
        members = [*old, *trained.members]
        self._take(Model(encoding, members, trained.end, history, trained.parent, trained.ends, temperature, made_with))

    def _settled(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings that training cannot change where it goes on, as JSON holds them."""
        found = {name: settings[name] for name in (*ENCODED, *LAYERED)}
        names = getattr(self, "feature_names_in_", None)
        named = tables.places_of(self.categorical_features, self.n_features_in_, names)
        return found | {"hidden_layer_sizes": [*found["hidden_layer_sizes"]], "categorical_features": sorted(named)}

    def _filled(
        self, settings: Mapping[str, Any], weights: Weights, classes: int, inputs: int, trial: bool = False
    ) -> dict[str, Any]:
        """Return settings with numbers in place of "auto", and with the lengths of the schedule."""
        rows = Weighted(weights).size
        in_all = MANY if ONE_EPOCH in settings else rows  # a stream has others later
        found = fill_in(dict(settings), in_all, classes, inputs, self._parent_part())
        if trial:
            found = self._of_trial(found)
        if found["bag_fraction"] < 1:
            rows = min(rows, rows_of_bag(len(weights), found["bag_fraction"]))
        return found | self._lengths(found) | {"batch_size": batch_size(found["batch_size"], rows)}

    @contextmanager
    def _trying(self, trial: tuple[Any, ...] | None, settings: Mapping[str, Any]) -> Iterator[None]:
        """Have a trial run beside what is done meanwhile, where there is a core for it and the fit leaves it one."""
        if trial is None or self._threads() == 1 or not self._in_turn(trial[1], checked(settings)):
            yield
            return
        quiet = copy(self)
        quiet.n_jobs, quiet.verbose = 1, False

        def try_out(beside: Beside[float]) -> float:
            quiet._trial = beside
            return quiet._temperature_by_trial(*trial)

        with Beside(try_out) as self._beside:
            try:
                yield
            finally:
                del self._beside

    def _tried(self, trial: tuple[Any, ...]) -> float:
        """Return the temperature of a trial, which may run already."""
        if self._beside is not None:
            return self._beside.result()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what they say, the fit said
            return self._temperature_by_trial(*trial)

    def _in_turn(self, x: Samples, config: FitConfig) -> bool:
        """Return whether a fit trains in this process, network after network."""
        del config
        return not isinstance(x, Pieces)

    def _temperature_by_trial(
        self, own: Table, learned: Samples, make: MakeTargets, settings: dict[str, Any], seed: int
    ) -> float:
        """Return the temperature of members that are trained, for a part of the time, on a part of the rows."""
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(3 << 16,)))
        train, held = split(own.y, min(settings["calibration_fraction"], MOST_HELD / len(own.y)), rng)
        if len(held) < FEWEST:
            return 1.0
        part = Table(chosen(own.x, train), own.y[train], own.weights[train])
        targets = make(part.y, own.y[:0], own.weights[:0])
        settings = self._filled(settings, part.weights, targets.classes, learned.shape[1], trial=True)
        nothing = np.empty((0, learned.shape[1]), np.float32)
        problem = Problem(chosen(learned, train), nothing, Weighted(part.weights), targets)
        trained = self._learned(part, problem, settings, seed, None)
        return temperature_of_members(trained.members, chosen(learned, held), own.y[held], own.weights[held])

    def _of_trial(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Return the settings of a trial, of those of the fit."""
        return shortened(settings)

    def _learned(
        self, table: Table, problem: Problem, settings: dict[str, Any], seed: int, before: Model | None
    ) -> Trained:
        """Return what training gives; `before` is what there is to go on from."""
        del table
        begun = before is not None

        def stages(config: FitConfig) -> list[Stage]:
            return list(create(self._method(), config).stages(begun))

        with self._bar(stages(checked(settings))) as bar:
            loop = self._run(problem, settings, seed, stages, before.end if before is not None else None, bar)
        return Trained(loop.members, loop.progress.history, loop.end())

    def _learned_one_epoch(
        self, problem: Problem, settings: dict[str, Any], seed: int, before: Model | None
    ) -> Trained:
        """Train every member one epoch, each as the only one."""
        evolve, settings = settings.pop(ONE_EPOCH), settings | {"members": 1}
        ends: list[End | None] = [None] * self._streams()
        if before is not None and before.end is not None:
            past = before.end.epochs
            ends = [*(before.ends or [End(member.arrays, {}, past) for member in before.members])]
        found = Trained([], [], End({}, {}, 0))
        with tqdm(total=len(ends), disable=not self.verbose, unit="epoch", desc=type(self).__name__) as bar:
            for number, end in enumerate(ends):

                def stages(config: FitConfig, begun: bool = end is not None) -> list[Stage]:
                    return list(create(methods.SINGLE, config).stages(begun))

                loop = self._run(problem, settings, seed_of_member(seed, number), stages, end, bar)
                if evolve and isinstance(loop, Loop) and isinstance(loop.network, SparseMLP):
                    evolution.step(loop.network, loop.settings, settings["prune_fraction"], loop.streams)
                found.members += loop.members
                found.history += [row | {"member": number} for row in loop.progress.history]
                found.ends.append(loop.end())
        return replace(found, end=found.ends[-1], kept=0)

    def _streams(self) -> int:
        """Return how many members `partial_fit` begins with."""
        return 1

    def _no_stream(self) -> str | None:
        """Return why there is no `partial_fit`; None where there is."""
        return None

    def _streamed(self) -> Model | None:
        """Return the fitted state that `partial_fit` goes on from, if there is one; a model file may hold none."""
        return self._model if hasattr(self, "_model") and self._model.end is not None else None

    def _one_epoch(self, before: Model | None) -> dict[str, Any]:
        """Return the settings of the next call of `partial_fit`."""
        settings = self._settings()
        calls = before.end.epochs if before is not None and before.end is not None else 0
        every = self._every(settings)
        return settings | {
            "epochs": 1,
            "exploration_epochs": 1,
            "validation_fraction": 0.0,
            "selection": "last",
            "learning_rate_schedule": "steps",
            ONE_EPOCH: every > 0 and (calls + 1) % every == 0,
        }

    def _every(self, settings: Mapping[str, Any]) -> int:
        """Return the epochs between SET steps."""
        return int(settings["evolution_every"])

    def _bar(self, stages: Iterable[Stage]) -> tqdm:
        """Return the progress bar of some stages."""
        total = sum(len(stage.epochs) for stage in stages)
        return tqdm(total=total, disable=not self.verbose, unit="epoch", desc=type(self).__name__)

    def _run(
        self,
        problem: Problem,
        settings: dict[str, Any],
        seed: int,
        stages: Callable[[FitConfig], list[Stage]],
        end: End | None,
        bar: tqdm,
    ) -> Loop | Apart:
        """Train stages to the end; see `run_halving`."""

        def begin(config: FitConfig) -> Loop | Apart:
            return self._loop(problem, config, stages(config), seed, end)

        beside = self._beside

        def after_epoch(loop: Loop | Apart) -> None:
            nonlocal beside
            if self._trial is not None:
                self._trial.go_on()
            if beside is not None and not beside.runs:  # its thread is free from now on
                beside = None
                if isinstance(loop, Loop):
                    loop.threads = self._threads()

        return run_halving(begin, settings, bar, 7 if self._trial is None else None, after_epoch)

    def _loop(
        self, problem: Problem, config: FitConfig, stages: list[Stage], seed: int, end: End | None
    ) -> Loop | Apart:
        """Return what trains some stages; nothing is trained yet."""
        start = fresh("sparse", problem.x.shape[1], problem.targets.classes, config)
        return Loop(problem, config, stages, start, seed, end, threads=self._threads())

    def _take(self, model: Model) -> None:
        """Set the fitted attributes."""
        self._model = model
        self.members_ = [network_of(member) for member in model.members]
        self.loss_curve_ = [row["loss"] for row in model.history]
        self.validation_scores_ = [row["validation_score"] for row in model.history]
        self.n_iter_ = len(model.history)
        self.history_ = model.history

    def _earlier(self) -> Model | None:
        """Return the fitted state to go on from, if that is wanted and there is one; a model file may hold none."""
        wanted = self.warm_start and hasattr(self, "_model")
        return self._model if wanted and self._model.end is not None else None

    def _member_outputs(self, features: npt.NDArray[np.floating] | NonZeros) -> Floats:
        """Return softmax outputs of every member, float32, shape (members, rows, classes)."""
        if isinstance(features, NonZeros):
            encoded = self._model.encoding.transform_rows(features)
            return np.stack([network.predict_proba(encoded) for network in self.members_])
        outputs = np.empty((len(self.members_), len(features), self.members_[0].sizes[-1]), np.float32)
        predict, encoding = self._predicting(len(features)), self._model.encoding
        encode: Callable[[Any], Any] = encoding.samples if predict.ramps else encoding.transform

        def fill(start: int) -> None:
            part = slice(start, start + PREDICTION_ROWS)
            outputs[:, part] = predict(encode(features[part]))

        starts = range(0, len(features), PREDICTION_ROWS)
        if len(starts) < 2 or not predict.threads or effective_n_jobs(self._workers()) == 1:
            for start in starts:
                fill(start)
        else:
            Parallel(self._workers(), require="sharedmem")(delayed(fill)(start) for start in starts)
        return outputs

    def _predicting(self, rows: int) -> Outputs | Ordered:
        """Return what predicts encoded rows, of which there are so many; what it takes for a few, or many, is kept."""
        model, members = self._model, self.members_
        if sum(len(network.graph) for network in members) > MOST_KEPT or not alike(members):
            return Outputs(members, rows)
        if rows <= FEW_IN_ORDER:
            if model.ordered is None or not model.ordered.is_of(members):
                model.ordered = Ordered(members)
            return model.ordered
        if rows < MANY_ROWS:
            return Outputs(members, rows)
        if model.in_strips is None or not model.in_strips.is_of(members):
            model.in_strips = Outputs(members, rows)
        return model.in_strips

    def _workers(self) -> int | None:
        """Return how many threads train and predict, as joblib counts."""
        return 1

    def _threads(self) -> int:
        """Return how many threads may share the steps of one network; a trial beside it has one."""
        taken = int(self._beside is not None and self._beside.runs)
        return max(1, min(effective_n_jobs(self._workers()), cpu_count()) - taken)

    def _mean_output(self, x: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the mean of the members' outputs, refusing rows that have none."""
        check_is_fitted(self)
        mean = mean_of_members(self._member_outputs(self._check_features(x)))
        refuse_overflow(mean)
        return mean

    def predictor(self) -> Predictor:
        """Return a function that predicts one row at a time, several times as fast as a call with one row.

        Returns
        -------
        callable
            From a row, shape (n_features,), to what `predict_proba` gives for it, shape (n_classes,), or a regressor's
            `predict`, a number; to the same bits. Nothing is checked: a row has the numbers of X in their order, NaN
            where one is missing, and a category of text as its place in `categories_` (-1: none of them). A row whose
            numbers are so large that the networks have no answer is refused, as `predict` does. Later changes of the
            model change nothing. One thread at a time may call it.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from truly_sparse import SparseMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = SparseMLPClassifier(hidden_layer_sizes=(20,), epochs=5).fit(X, y)
        >>> predict = model.predictor()
        >>> bool((predict(X[0]) == model.predict_proba(X[:1])[0]).all())
        True
        """
        check_is_fitted(self)
        if not alike(self.members_):
            raise UserError("the members have different layers; only members of the same layers can be prepared")
        return Predictor(self.members_, self._model.encoding, self.categories_, self._finish())

    def _finish(self) -> Finish:
        """Return what makes the prediction of a row, as `predictor` gives it, of the mean of the members' outputs."""
        raise NotImplementedError

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the networks, which the members' arrays rebuild, and what follows from them."""
        state = dict(super().__getstate__())
        state.pop("members_", None)
        if "_model" in state:
            state["_model"] = replace(state["_model"], ordered=None, in_strips=None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Rebuild the networks."""
        super().__setstate__(state)
        if hasattr(self, "_model"):
            self.members_ = [network_of(member) for member in self._model.members]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_model")


def seed_of_member(seed: int, number: int) -> int:
    """Return the seed of a member that is trained as the only one; the first has that of a single network."""
    if not number:
        return seed
    return int(np.random.SeedSequence(seed, spawn_key=(2 << 16, number)).generate_state(1, np.uint64)[0])


def temperature_of_members(
    members: Sequence[Member], x: Samples, labels: npt.NDArray[np.int64], weights: Weights
) -> float:
    """Return the temperature with which members tell best how sure they are of rows that they were not trained on."""
    outputs = np.stack([network_of(member).predict_proba(x) for member in members])
    return temperature_of(mean_of_members(outputs), labels, weights)
