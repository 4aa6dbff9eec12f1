"""The parameters of the estimators: each constructor written once, its text from the settings that it names."""

import dataclasses
from collections.abc import Iterator, Sequence
from inspect import cleandoc
from numbers import Integral
from textwrap import fill
from typing import Any, TypeVar

from sklearn.base import BaseEstimator

from truly_sparse.ensembles.method import Method
from truly_sparse.ensembles.strategies import Strategy
from truly_sparse.errors import UserError
from truly_sparse.estimators.fit_config import AUTOMATIC, SETTINGS
from truly_sparse.estimators.presets import ENSEMBLE
from truly_sparse.training.config import TrainingConfig
from truly_sparse.training.settings import setting

Estimator = TypeVar("Estimator", bound=type)
#: Where a docstring gets its parameters.
PLACE = "<parameters>"
#: Columns of a docstring.
WIDTH = 110


def parameter(default: Any, kind: str | None, text: str) -> Any:
    """Return the field of a parameter that is no setting, or is another than that: default, type in words, what it is.

    A type of None is that of the setting of its name.
    """
    return dataclasses.field(default=default, metadata={"parameter": (kind, text)})


@dataclasses.dataclass(kw_only=True, eq=False, repr=False)
class Parameters(BaseEstimator):
    """Those of every estimator. One that is None takes the value of the `preset`."""

    preset: str = setting(
        "best",
        'Values of the parameters that are None: "best" for accuracy at little cost, "fast" for a ninth of its time, '
        '"accurate" for more; "paper" is the protocol of the journal\'s Gesture experiment.',
        choices=tuple(ENSEMBLE),
    )
    categorical_features: Sequence[int] | Sequence[bool] | Sequence[str] | None = parameter(
        None,
        "list of int or str, or mask",
        "Columns of X whose numbers are categories, by place, by name or as a mask. Columns of text, and of a table's "
        "own types for categories, are categories in any case. Numbers from 2**53 on must become text first.",
    )
    preprocessing: str | None = None
    bins: int | None = None
    pairs: int | None = None
    effort: float | None = None
    hidden_layer_sizes: Sequence[int] | None = None
    epsilon: float | str | None = None
    shortcut_ratio: float | None = None
    init: str | None = None
    activation: str | None = None
    negative_slope: float | None = None
    batch_size: int | str | None = None
    learning_rate: float | None = None
    learning_rate_schedule: str | None = None
    optimiser: str | None = None
    l1: float | None = None
    momentum: float | None = None
    weight_decay: float | None = None
    decay_times_learning_rate: bool | None = None
    dropout: float | str | None = None
    prune_fraction: float | None = None
    pruning: str | None = None
    evolution_every: int | None = None
    clip_norm: float | None = None
    validation_fraction: float | None = None
    selection: str | None = None
    calibration_fraction: float | None = None
    early_stopping: bool = setting(
        False,
        "End a phase when its validation score has not risen for `patience` epochs, and keep the best state. A single "
        "network has one phase.",
    )
    patience: int = setting(
        10, "Epochs without a better score that `early_stopping` waits for.", least=1, most=1_000_000
    )
    warm_start: bool = parameter(
        False,
        "bool",
        "A later fit goes on from what there is: an ensemble adds `members` it lacks, a single network trains further. "
        "The encoding stays, and so do the layers of a network that goes on and the knots of a regressor; parameters "
        "that say otherwise are refused. Later targets beyond the knots count as the nearest one.",
    )
    verbose: bool = parameter(False, "bool", "Show a progress bar.")
    random_state: Any = parameter(
        0, "int, RandomState or None", "The same number gives the same model, to the last bit on the same machine."
    )


@dataclasses.dataclass(eq=False, repr=False)
class EnsembleParameters(Parameters):
    """Those of ensembles."""

    method: str | type[Method] | type[Strategy] = parameter(
        "fd_tse",
        '{"fd_tse", "rd_tse", "dist_tse", "edst_rg", "independent", "sparse_subnetworks", "stochastic_subnetworks", '
        '"noisy_subnetworks", "snapshot", "fast_geometric", "mc_dropout"} or class',
        'How members come to be ("fd-tse" is the same as "fd_tse"). The first four differ in how the links of the next '
        'member are regrown; "independent" trains every member from scratch. Subnetworks are children of one parent '
        "(Whitaker): each has a part of its links and is tuned alone, with the other links gone at once (sparse) or "
        'active ever less often (stochastic), or has noise on its weights (noisy). "snapshot" and "fast_geometric" '
        'take one network at several of its cycles, "mc_dropout" drops several sets of its neurons. A class derived '
        "from `truly_sparse.ensembles.strategies.Strategy` or `truly_sparse.ensembles.method.Method` is taken, too.",
    )
    _: dataclasses.KW_ONLY
    members: int | None = None
    exploration_epochs: int | str | None = None
    member_epochs: int | str | None = None
    restart_prune_fraction: float | None = None
    refinement: str | None = None
    distance_factor: float = TrainingConfig.distance_factor
    parent_epochs: int | str | None = None
    include_parent: bool | None = None
    child_epochs: int | str | None = None
    child_learning_rate: float | None = None
    child_learning_rate_schedule: str | None = None
    sampler: str | None = None
    parts: int | None = None
    sparsity: float | None = None
    structure: str | None = None
    prune_epochs: int | None = None
    annealing: str | None = None
    annealing_epochs: int | None = None
    temperature: float | None = None
    bag_fraction: float | None = None
    noise: str | None = None
    noise_sd: float | None = None
    divergence: float | None = None
    population: int | None = None
    n_jobs: int | None = parameter(
        None,
        "int",
        "Workers, as joblib counts: None is 1 unless `joblib.parallel_config` says otherwise, -1 all processors. So "
        "many children of one parent, or independent members, are trained at the same time, and the last ones, where "
        "they are fewer, by several threads each; where one member comes of another, threads of this process share "
        "every step instead, unless other programs leave them no processor, and one trains beside them the trial by "
        "which probabilities are calibrated. "
        "Threads predict many rows, too. Every bit is the same.",
    )

    def _jobs(self) -> int | None:
        """Return `n_jobs`, or refuse it."""
        whole = isinstance(self.n_jobs, Integral) and not isinstance(self.n_jobs, bool)
        if self.n_jobs is not None and not (whole and self.n_jobs):
            raise UserError(f"n_jobs is {self.n_jobs!r}; give a whole number other than 0, or None")
        return self.n_jobs


@dataclasses.dataclass(eq=False, repr=False)
class SingleParameters(Parameters):
    """Those of a single network."""

    topology: str = setting(
        "set",
        "Whether weak links are pruned and others grown while training, or the Erdős–Rényi start stays.",
        choices=("set", "static"),
    )
    _: dataclasses.KW_ONLY
    epochs: int | str | None = None


def documented(estimator: Estimator) -> Estimator:
    """Put the parameters of an estimator's constructor into its docstring."""
    text = cleandoc(estimator.__doc__ or "")
    assert text.count(PLACE) == 1, estimator
    estimator.__doc__ = text.replace(PLACE, "\n".join(_described(estimator)))
    return estimator


def _described(estimator: type) -> Iterator[str]:
    """Yield the lines of the section on parameters."""
    fields = sorted(dataclasses.fields(estimator), key=lambda field: bool(field.kw_only))
    for field in fields:
        kind, text = _kind_and_text(field)
        yield f"{field.name} : {kind}"
        yield fill(text, WIDTH, initial_indent="    ", subsequent_indent="    ")


def _kind_and_text(field: "dataclasses.Field[Any]") -> tuple[str, str]:
    default = f'"{field.default}"' if isinstance(field.default, str) else str(field.default)
    stated = "optional" if field.default is None else f"default {default}"
    if "parameter" in field.metadata:
        kind, text = field.metadata["parameter"]
        return f"{kind or SETTINGS[field.name].type_text()}, {stated}", text
    one = field.metadata.get("setting") or SETTINGS[field.name]
    auto = AUTOMATIC.get(field.name)
    kind = one.type_text() + (' or "auto"' if auto else "")
    return f"{kind}, {stated}", one.text + (f' "auto" is {auto}.' if auto else "")
