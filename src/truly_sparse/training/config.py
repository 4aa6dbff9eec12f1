"""All settings of training, each said once: the configuration, the estimators and the documentation read them here."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from truly_sparse.errors import UserError
from truly_sparse.training.schedule import REFINEMENTS
from truly_sparse.training.settings import setting, settings_of

MOST_EPOCHS = 1_000_000


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
        0.2, "Fraction of the links replaced by one step of topology evolution (zeta).", least=0, below=1
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
        "+-sqrt(6 / links per output neuron), the fan-in there really is.",
        choices=("he", "xavier", "he_links"),
    )
    activation: str = setting("all_relu", "Activation of the hidden layers.", choices=("all_relu", "relu"))
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
        configured=False,
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


def schema() -> dict[str, Any]:
    """Return the JSON schema of the configuration's training section."""
    properties = {
        name: {"description": one.text, **one.schema(), "default": [*default] if one.kind is tuple else default}
        for name, one, default in settings_of(TrainingConfig)
        if one.configured
    }
    return {"type": "object", "additionalProperties": False, "properties": properties}


def epsilon_schema() -> dict[str, Any]:
    """Return the JSON schema of a density, which no section has: it is an axis of the grid."""
    (found,) = (one for name, one, _ in settings_of(TrainingConfig) if name == "epsilon")
    return found.schema()
