"""All settings of training, each said once: the configuration, the estimators and the documentation read them here."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from truly_sparse.errors import UserError
from truly_sparse.training.schedule import REFINEMENTS
from truly_sparse.training.settings import Setting, setting, settings_of

MOST_EPOCHS = 1_000_000
#: What concerns children of a trained network alone: parents that differ in nothing else are the same.
OF_CHILDREN = (
    "annealing", "annealing_epochs", "annealing_shape", "bag_fraction", "child_epochs", "child_learning_rate",
    "child_learning_rate_schedule", "divergence", "inactive", "include_parent", "inherit", "members", "noise",
    "noise_sd", "parts", "population", "prune_epochs", "prune_output_block", "sampler", "search_sparsity", "sparsity",
    "structure", "temperature",
)  # fmt: skip
#: Kinds of networks; all but the first are convolutional.
ARCHITECTURES = ("mlp", "plain_cnn", "spas_cnn", "densenet", "lenet")
#: What says how many links a sparse network starts with; one of them is given.
DENSITIES = ("epsilon", "compression", "links")


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Settings of one training run; the defaults are the protocol of the journal's Gesture experiment."""

    hidden_layer_sizes: tuple[int, ...] = setting(
        (1000, 1000, 1000),
        "Neurons of each hidden layer; of a convolutional `architecture`, its channels.",
        least=1,
        most=2_147_483_647,
    )
    architecture: str = setting(
        "mlp",
        "What kind of network: mlp, a multilayer perceptron; or one of square pictures: plain_cnn, parts of two "
        "convolutions with a maximum of two by two in between; spas_cnn, parts of three convolutions, which "
        "`shortcut_ratio` gives shortcuts (SPaS); densenet, three parts of four (SPaS's), from one number of channels "
        "on; lenet, two convolutions and then layers of neurons (Whitaker's).",
        choices=ARCHITECTURES,
        added=True,
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
        "fills every place, those of shortcuts, too. Of a convolutional `architecture`: all its places for each link.",
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
        "Rate on the way: the steps of `refinement`; cosine, half a cosine from `learning_rate` to nearly 0 in each "
        "member's window; hold_linear, a line from half of the epochs to 0.01 of it at nine tenths; tenths, 0.1 of it "
        "from half of the epochs and 0.01 in the last tenth; one_cycle, from 0.01 of it up to it in a tenth of the "
        "steps, and down to nearly 0.",
        choices=("cosine", "hold_linear", "one_cycle", "steps", "tenths"),
        added=True,
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
    nesterov: bool = setting(False, "Whether the step of SGD looks one velocity ahead (Nesterov).", added=True)
    torch_momentum: bool = setting(
        False,
        "Whether the velocity of SGD is a sum of gradients, which each step multiplies by its rate, as in PyTorch; it "
        "differs where the rate changes.",
        added=True,
    )
    coupled_decay: bool = setting(
        False, "Whether SGD adds the weight decay to the gradient, as in PyTorch, and not to the step.", added=True
    )
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
        "float32 with either, dense models always; convolutional networks keep their maps so in every prediction.",
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
    bag_fraction: float = setting(
        1.0,
        "Part of the training rows, drawn without replacement, on which each child of a network, or each independent "
        "member, is trained.",
        above=0,
        most=1,
        added=True,
    )
    include_parent: bool = setting(
        True, "Whether the network from which children come is the ensemble's first member.", added=True
    )
    child_epochs: int = setting(10, "Epochs in which each child is tuned.", least=1, most=MOST_EPOCHS, added=True)
    child_learning_rate: float = setting(
        0.1, "Learning rate of the children, the highest where it changes.", above=0, most=1000, added=True
    )
    child_learning_rate_schedule: str = setting(
        "one_cycle",
        "Rate of the children: one_cycle, from 0.01 of it up to it in a tenth of the steps, and down to nearly 0; or "
        "constant.",
        choices=("constant", "one_cycle"),
        added=True,
    )
    sampler: str = setting(
        "partition",
        "How the links of a child are chosen among its parent's: partition, `parts` children share them, each link in "
        "one; random or magnitude, the part `sparsity` of a block falls, drawn or the smallest.",
        choices=("magnitude", "partition", "random"),
        added=True,
    )
    parts: int = setting(
        2,
        "Children that share the links of the parent (`sampler` partition).",
        least=2,
        most=1000,
        added=True,
    )
    sparsity: float = setting(
        0.5,
        "Part of the parent's links that a child has not (`sampler` random and magnitude), or whose weights get no "
        "noise.",
        least=0,
        below=1,
        added=True,
    )
    structure: str = setting(
        "links",
        "What falls when a child is made: links one by one, all links that lead to a neuron (rows), or neurons with "
        "all their links.",
        choices=("links", "neurons", "rows"),
        added=True,
    )
    prune_output_block: bool = setting(False, "Whether children lose links to the outputs as well.", added=True)
    inherit: bool = setting(
        True, "Whether children begin with the values of their parent; false: with fresh ones.", added=True
    )
    prune_epochs: int = setting(
        0,
        "Epochs of a child before each of which an equal part of the links that are to fall does; 0: all fall at once.",
        least=0,
        most=MOST_EPOCHS,
        added=True,
    )
    annealing: str = setting(
        "temperature",
        "How the probability that a link is active in a step changes in stochastic subnetworks: temperature, 1 for the "
        "child's links and falling to 0 for the others; random, from a number drawn for each link to 1 or to 0.",
        choices=("random", "temperature"),
        added=True,
    )
    annealing_epochs: int = setting(
        3, "Epochs of a child over which these probabilities change.", least=1, most=MOST_EPOCHS, added=True
    )
    temperature: float = setting(
        0.5, "Probability at which the others begin (`annealing` temperature).", above=0, most=1, added=True
    )
    annealing_shape: str = setting(
        "cosine",
        "How that probability falls (`annealing` temperature).",
        choices=("cosine", "exponential", "linear"),
        added=True,
    )
    inactive: str = setting(
        "coast",
        "What a link does in a step in which it is not active: coast, go on by velocity and decay, or freeze.",
        choices=("coast", "freeze"),
        added=True,
    )
    noise: str = setting(
        "quad",
        "Noisy subnetworks: quad, noise on a part of the weights, on the others, and both mirrored, with `sparsity` "
        "0.5; mirrored, noise and its mirror; independent.",
        choices=("independent", "mirrored", "quad"),
        added=True,
    )
    noise_sd: float = setting(
        0.0,
        "Standard deviation of that noise; 0: that at which predictions of validation rows diverge by `divergence`.",
        least=0,
        most=1000,
        added=True,
    )
    divergence: float = setting(
        0.02,
        "Mean Kullback-Leibler divergence, in nats, of noisy networks from their parent that is sought.",
        above=0,
        most=100,
        added=True,
    )
    search_sparsity: bool = setting(
        False,
        "Whether `sparsity` of the noise is searched, too: that whose ensemble predicts the validation rows best.",
        added=True,
    )
    population: int = setting(
        16,
        "Noisy networks that are drawn; the `members` best on the validation rows are kept.",
        least=1,
        most=100_000,
        added=True,
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
    sgd = [name for name in ("nesterov", "torch_momentum", "coupled_decay") if getattr(settings, name)]
    if sgd and settings.optimiser != "sgd":
        return f"{sgd[0]} needs optimiser sgd"
    if settings.warmup_epochs and settings.learning_rate_schedule in ("cosine", "one_cycle"):
        return f"learning_rate_schedule {settings.learning_rate_schedule} has no warm-up; set warmup_epochs 0"
    if settings.patience and settings.selection == "last":
        return "patience looks for the best validation score; it needs selection best_validation"
    if model == "dense":
        other = {"architecture": "mlp", "shortcut_ratio": 0.0, "pruning": "per_sign"}
        differing = [name for name, value in other.items() if getattr(settings, name) != value]
        if settings.activation == "mish":
            differing.append("activation mish")
        return f"a dense model has no {differing[0]}; leave it out" if differing else None
    given = densities(settings)
    if len(given) != 1:
        return f"a sparse model needs one of {', '.join(DENSITIES)}, found {' and '.join(given) or 'none'}"
    if not settings.keep_shortcut_ratio and settings.pruning != "global":
        return "keep_shortcut_ratio false needs pruning global"
    return None if settings.architecture == "mlp" else _of_pictures(settings)


def _of_pictures(settings: TrainingConfig) -> str | None:
    """Return what settings ask of a convolutional network that it has not."""
    kind = f"architecture {settings.architecture}"
    if settings.epsilon is not None:
        return f"{kind} takes compression or links, not epsilon"
    if settings.dropout:
        return f"{kind} has no dropout; set dropout 0"
    if settings.activation == "all_relu":
        return f"{kind} has activation relu or mish, not all_relu"
    if settings.shortcut_ratio and settings.architecture != "spas_cnn":
        return f"{kind} has no shortcuts; set shortcut_ratio 0, or take spas_cnn"
    if settings.structure == "neurons":
        return f"{kind} has structure links or rows, not neurons"
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
