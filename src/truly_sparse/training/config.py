"""All settings of training, each said once: the configuration, the estimators and the documentation read them here."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from truly_sparse.errors import UserError
from truly_sparse.training.schedule import REFINEMENTS
from truly_sparse.training.settings import Setting, setting, settings_of

MOST_EPOCHS = 1_000_000
#: What says how many links a sparse network starts with; one of them is given.
DENSITIES = ("epsilon", "compression", "links")


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Settings of one training run; the defaults are the protocol of the journal's Gesture experiment."""

    hidden_layer_sizes: tuple[int, ...] = setting(
        (1000, 1000, 1000), "Neurons of each hidden layer.", least=1, most=2_147_483_647
    )
    epsilon: float | None = setting(
        None,
        "Density of the Erdős–Rényi start; a block has about epsilon (n_in + n_out) links.",
        kind=float,
        above=0,
        most=1_000_000,
        configured=False,
    )
    compression: float | None = setting(
        None,
        "Instead of `epsilon`: places of the dense network without shortcuts for each link, 1 / (1 - S) (SPaS); 0 "
        "fills every place, those of shortcuts, too.",
        kind=float,
        least=0,
        most=1_000_000_000,
        configured=False,
        added=True,
    )
    links: int | None = setting(
        None,
        "Instead of `epsilon`: how many links the network has (SPaS).",
        kind=int,
        least=1,
        most=1_000_000_000,
        configured=False,
        added=True,
    )
    shortcut_ratio: float = setting(
        0.0,
        "Part of the links that skip at least one layer (1 - R of SPaS). With `epsilon` all blocks are Erdős–Rényi; "
        "with `compression` or `links` exactly this part is drawn, uniformly among all places that skip layers.",
        least=0,
        most=1,
        added=True,
    )
    members: int = setting(
        5, "Networks in the ensemble (M); their mean output is the prediction.", least=1, most=10_000
    )
    epochs: int = setting(
        350,
        "Epochs of a whole run, exploration included; of each member where members are trained from scratch.",
        least=1,
        most=MOST_EPOCHS,
    )
    exploration_epochs: int = setting(
        100, "Epochs of exploration, before the refinement of the first member begins.", least=0, most=MOST_EPOCHS
    )
    batch_size: int = setting(
        128, "Samples in a batch; an incomplete last batch is left out of training.", least=1, most=1_000_000
    )
    learning_rate: float = setting(0.1, "Learning rate (eta).", above=0, most=1000)
    learning_rate_schedule: str = setting(
        "steps",
        "Rate within a member's window: half a cosine from `learning_rate` to nearly 0, or the steps of `refinement`.",
        choices=("cosine", "steps"),
        configured=False,
    )
    optimiser: str = setting(
        "sgd",
        "sgd, gradient descent with `momentum`, or adam (Kingma and Ba 2015, with their constants).",
        choices=("adam", "sgd"),
        added=True,
    )
    l1: float = setting(
        0.0, "Weight of the sum of all magnitudes in the loss; with `optimiser` adam.", least=0, most=1000, added=True
    )
    momentum: float = setting(0.9, "Momentum (mu).", least=0, below=1)
    weight_decay: float = setting(0.0002, "Part of every weight and bias taken off at each step.", least=0, below=1)
    decay_times_learning_rate: bool = setting(
        False, "Whether the weight decay is multiplied by the learning rate; in the authors' implementation it is not."
    )
    clip_norm: float = setting(
        0.0,
        "Longest gradient, over all parameters; a longer one is shortened. 0 shortens none.",
        least=0,
        most=1_000_000_000,
    )
    warmup_epochs: int = setting(
        0,
        "Epochs at the start over which the learning rate rises linearly to its value. 0 is none.",
        least=0,
        most=MOST_EPOCHS,
    )
    activation_storage: str = setting(
        "bfloat16",
        "How the sparse engine keeps activations and errors between layers in training, validation included; bfloat16 "
        "halves that memory and its traffic. Links, sums, gradients and the predictions of the finished members are "
        "float32 with either, dense models always.",
        choices=("float32", "bfloat16"),
    )
    dropout: float = setting(0.2, "Probability of dropping a hidden activation in training.", least=0, below=1)
    prune_fraction: float = setting(
        0.2, "Fraction of the links replaced by one step of topology evolution (zeta).", least=0, most=1
    )
    pruning: str = setting(
        "per_sign",
        "What a step of topology evolution removes: of each sign the fraction closest to zero, block by block "
        "(per_sign, SET); what lies between the zeta quantiles of both signs, block by block (between, van Engers "
        "2021); or the fraction of the smallest magnitudes of the whole network, links to the output as well (global, "
        "SPaSET).",
        choices=("between", "global", "per_sign"),
        added=True,
    )
    keep_shortcut_ratio: bool = setting(
        True,
        "Whether a step with `pruning` global grows as many shortcuts as fell; false: half of them grow as shortcuts.",
        added=True,
    )
    restart_prune_fraction: float = setting(
        0.8, "Fraction of the links replaced when the next member starts (q).", above=0, below=1
    )
    evolution_every: int = setting(
        2,
        "Epochs between two steps of topology evolution in the exploration phase (e); 0 never evolves.",
        least=0,
        most=MOST_EPOCHS,
    )
    refinement: str = setting(
        "comprehensive",
        "What the second half of a member's epochs changes: comprehensive (learning rate eta and prune fraction zeta "
        "halved, e 4 then 8), eta_zeta (both halved), eta (halved), none.",
        choices=tuple(REFINEMENTS),
    )
    init: str = setting(
        "he",
        "Uniform start values, he +-sqrt(6 / n_in), xavier +-sqrt(6 / (n_in + n_out)), or he_links "
        "+-sqrt(6 / links per output neuron), the fan-in there really is; torch and torch_links, +-sqrt(1 / n_in) by "
        "either fan-in, PyTorch's.",
        choices=("he", "xavier", "he_links", "torch", "torch_links"),
    )
    activation: str = setting(
        "all_relu", "Activation of the hidden layers (Mish: Misra 2019).", choices=("all_relu", "mish", "relu")
    )
    negative_slope: float = setting(
        0.5,
        "Slope of All-ReLU for negative inputs (alpha); its sign alternates from layer to layer.",
        least=0,
        most=1000,
    )
    escape_input_block: bool = setting(
        True,
        "true replaces links of the input block too when the next member starts (pseudocode); false leaves that block "
        "alone (the authors' implementation).",
    )
    selection: str = setting(
        "best_validation",
        "Which epoch of its window a member is, the best on the validation rows or the last.",
        choices=("best_validation", "last"),
    )
    patience: int = setting(
        0,
        "Epochs without a better validation score that end a phase early; 0 ends none.",
        least=0,
        most=MOST_EPOCHS,
        added=True,
    )
    distance_factor: float = setting(
        1.5,
        "Dist-TSE accepts a new topology at a distance of at least mean + factor (lambda) * sd.",
        least=0,
        most=1000,
    )
    distance: str = setting(
        "row_wise",
        "Distance of two topologies, row j against row j or the sum over all pairs of rows.",
        choices=("row_wise", "all_pairs"),
    )
    distance_samples: int = setting(
        100,
        "Random topologies from which Dist-TSE estimates mean and standard deviation.",
        least=2,
        most=1_000_000,
    )
    distance_max_draws: int = setting(
        10_000, "Draws after which Dist-TSE gives up with an error.", least=1, most=1_000_000_000
    )

    @classmethod
    def of(cls, training: Mapping[str, Any]) -> Self:
        """Return the settings that a mapping names, such as a configuration's, with the defaults of all others.

        Raises
        ------
        UserError
            For a name that no setting has.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(training.keys() - known)
        if unknown:
            raise UserError(f'there is no training setting "{unknown[0]}"; known: {", ".join(sorted(known))}')
        sizes = {name: tuple(value) for name, value in training.items() if name == "hidden_layer_sizes"}
        return cls(**{**training, **sizes})


def densities(settings: TrainingConfig) -> list[str]:
    """Return what says how many links a sparse network starts with, by name; of settings without contradiction, one."""
    return [name for name in DENSITIES if getattr(settings, name) is not None]


def contradiction(settings: TrainingConfig, model: str) -> str | None:
    """Return what is contradictory in settings of a "sparse" or a "dense" model; None where nothing is."""
    if settings.l1 and settings.optimiser != "adam":
        return f"l1 {settings.l1:g} needs optimiser adam"
    if model == "dense":
        other = {"optimiser": "sgd", "shortcut_ratio": 0.0, "pruning": "per_sign"}
        differing = [name for name, value in other.items() if getattr(settings, name) != value]
        if settings.activation == "mish":
            differing.append("activation mish")
        return f"a dense model has no {differing[0]}; leave it out" if differing else None
    given = densities(settings)
    if len(given) != 1:
        return f"a sparse model needs one of {', '.join(DENSITIES)}, found {' and '.join(given) or 'none'}"
    if not settings.keep_shortcut_ratio and settings.pruning != "global":
        return "keep_shortcut_ratio false needs pruning global"
    return None


def settled(training: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings without those that were `added` later and have their default."""
    added = {name: default for name, one, default in settings_of(TrainingConfig) if one.added}
    return {name: value for name, value in training.items() if name not in added or value != added[name]}


def schema() -> dict[str, Any]:
    """Return the JSON schema of the configuration's training section."""
    properties = {
        name: {**_described(one, default), **one.schema()}
        for name, one, default in settings_of(TrainingConfig)
        if one.configured
    }
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _described(one: Setting, default: Any) -> dict[str, Any]:
    """Return text and default; the default of what was added later is only told, so that nothing is filled in."""
    if one.added:
        return {"description": f"{one.text} Where it is left out, it is {str(default).lower()}."}
    return {"description": one.text, "default": [*default] if one.kind is tuple else default}


def density_schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON schemas of what says how many links there are, which no section has, as axes of the grid."""
    known = {name: one for name, one, _ in settings_of(TrainingConfig)}
    return {name: {"description": known[name].text, **known[name].schema()} for name in DENSITIES}
