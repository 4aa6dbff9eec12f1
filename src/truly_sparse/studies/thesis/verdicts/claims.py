"""What the thesis claims beyond the journal, claim by claim."""

from collections.abc import Iterator
from typing import Any

from truly_sparse.analysis.judging import Claim, Rule
from truly_sparse.analysis.names import dataset_title, method_title
from truly_sparse.analysis.tse import BASELINE, ENSEMBLES, PROPOSED
from truly_sparse.studies.thesis.verdicts import accuracy, cost, others, protocol
from truly_sparse.studies.thesis.verdicts.accuracy import EPSILONS
from truly_sparse.studies.thesis.verdicts.reading import CIFAR, FASHION, GESTURE, HIGGS

RULES: tuple[Rule, ...] = (*accuracy.RULES, *protocol.RULES, *cost.RULES, *others.RULES)
#: The topic of claims that are judged with the same training on both sides.
ALIKE = "What remains when both sides are trained alike"
#: Models with the ensembles' own schedule, what they are in a sentence, and the printed model of their kind.
_FAIR = {
    "set_mlp_tse": ("one evolving sparse network", "set_mlp"),
    "static_tse": ("one static sparse network", "static"),
    "dense_tse": ("one dense network", "dense"),
    "set_ensemble_cost": ("five independent SET-MLPs of the same total cost", None),
}


Keys = dict[str, Any]


def claims() -> list[Claim]:
    """Return all claims."""
    return [*_images(), *_dense(), *_refinement(), *_tabular(), *_cost(), *_alike(), *_shape(), *_topology()]


def _pictures(dataset: str, topic: str) -> Iterator[Claim]:
    where = "thesis IV-E, Table VII"
    for method in ("rd_tse", "fd_tse"):
        text = f"EDST_RG is slightly more accurate than {method_title(method)}, at every ε."
        keys: Keys = {"dataset": dataset, "one": BASELINE, "other": method, "each": True}
        yield Claim(f"ahead/{dataset}/{method}", topic, text, where, accuracy.AHEAD, keys)
    text = "Almost all models are more accurate the sparser they are."
    yield Claim(f"sparser/{dataset}", topic, text, where, accuracy.SPARSER, {"dataset": dataset, "least": 5})
    text = "FD-TSE falls behind RD-TSE."
    keys = {"dataset": dataset, "one": "rd_tse", "other": "fd_tse", "each": False}
    yield Claim(f"behind/{dataset}", topic, text, where, accuracy.AHEAD, keys)


def _images() -> Iterator[Claim]:
    topic, where = "CIFAR-10", "thesis IV-E, Table VII"
    yield from _pictures(CIFAR, topic)
    text = "EDST_RG is as accurate as Dist-TSE with its best λ."
    keys: Keys = {"dataset": CIFAR, "one": BASELINE, "other": "dist_tse"}
    yield Claim(f"not_worse/{CIFAR}", topic, text, where, accuracy.NOT_WORSE, keys)
    for rival in ("set_mlp", "static"):
        text = f"Every sparse ensemble is more accurate than {method_title(rival)}."
        keys = {"dataset": CIFAR, "rival": rival}
        yield Claim(f"lead/{CIFAR}/{rival}", topic, text, where, accuracy.LEAD, keys)
    yield from _pictures(FASHION, "Pictures that the thesis does not have: Fashion-MNIST")


def _dense() -> Iterator[Claim]:
    topic, where = "Dense networks", "thesis IV-E, Table VII"
    yield Claim("equal", topic, "Static sparse, with 3 % of the weights, is as good as dense.", where, accuracy.EQUAL)
    text = "The printed rate of the dense network, a thousandth of the ensembles', does it justice."
    keys: Keys = {"rates": ("0.001", "0.01")}
    yield Claim("rate", topic, text, "thesis IV-C, Table X", protocol.STARVED, keys)
    yield Claim("gain", topic, "A dense ensemble gains much over one dense network.", where, accuracy.GAIN)
    for method in ENSEMBLES:
        text = f"{method_title(method)} at ε = 10, with 8 % of the weights of one, beats the dense ensemble."
        keys = {"method": method, "epsilon": 10}
        yield Claim(f"above_ensemble/{method}/10", topic, text, where, accuracy.ABOVE_ENSEMBLE, keys)
    for epsilon in (20, 30):
        text = f"FD-TSE at ε = {epsilon} does not beat the dense ensemble."
        keys = {"method": "fd_tse", "epsilon": epsilon}
        yield Claim(f"above_ensemble/fd_tse/{epsilon}", topic, text, where, accuracy.ABOVE_ENSEMBLE, keys)
    for dataset in EPSILONS:
        text = f"{dataset_title(dataset)}: in the thesis' framework, dense training is numerically unstable at 0.01."
        keys = {"dataset": dataset, "rate": 0.01}
        yield Claim(f"unstable/{dataset}", topic, text, "thesis IV-C", protocol.UNSTABLE, keys)


def _refinement() -> Iterator[Claim]:
    topic, where = "Comprehensive refinement", "thesis IV-I, Tables VI and XII"
    text = "CIFAR-10: it makes all three proposed methods less accurate."
    keys: Keys = {"dataset": CIFAR, "sign": -1}
    yield Claim(f"refinement/{CIFAR}", topic, text, where, protocol.REFINEMENT, keys)
    text = "Fashion-MNIST: it makes all three proposed methods less accurate, as on CIFAR-10."
    yield Claim(f"refinement/{FASHION}", topic, text, where, protocol.REFINEMENT, {"dataset": FASHION, "sign": -1})
    text = "Gesture Phase: it makes all three more accurate."
    keys = {"dataset": GESTURE, "sign": 1}
    yield Claim(f"refinement/{GESTURE}", topic, text, where, protocol.REFINEMENT, keys)
    text = "HIGGS: it changes little."
    yield Claim(f"refinement/{HIGGS}", topic, text, where, protocol.REFINEMENT_ALIKE, {"dataset": HIGGS})
    for what, words in (("regrowth", "the proposed methods"), ("refinement", "the comprehensive refinement")):
        text = f"What {words} bring has the other sign on CIFAR-10 than on tabular data."
        yield Claim(f"opposite/{what}", topic, text, "thesis IV-E, IV-I", protocol.OPPOSITE, {"what": what})


def _tabular() -> Iterator[Claim]:
    topic = "Tabular data"
    text = "λ = 1, 1.5 or 2 makes no systematic difference, on any dataset."
    yield Claim("lambda", topic, text, "thesis III-B, Tables VII to IX", accuracy.LAMBDA)
    for epsilon in EPSILONS[HIGGS]:
        text = f"HIGGS, ε = {epsilon}: EDST_RG learns nothing."
        keys: Keys = {"dataset": HIGGS, "epsilon": epsilon}
        yield Claim(f"fails/{HIGGS}/{epsilon}", topic, text, "thesis Table IX", accuracy.FAILS, keys)


def _cost() -> Iterator[Claim]:
    topic, where = "Cost", "thesis Table VII"
    for epsilon in EPSILONS[CIFAR]:
        at, keys = f"CIFAR-10, ε = {epsilon}", {"dataset": CIFAR, "epsilon": epsilon}
        text = f"{at}: weights of an ensemble of five, as a multiple of one dense network's."
        yield Claim(f"weights/{CIFAR}/{epsilon}", topic, text, where, cost.WEIGHTS_RATIO, keys)
        text = f"{at}: operations of training it, as a multiple of one dense network's."
        yield Claim(f"operations/{CIFAR}/{epsilon}", topic, text, where, cost.OPERATIONS_RATIO, keys)
        text = f"{at}: time of training it by EDST_RG, as a multiple of one dense network's."
        yield Claim(f"time/{CIFAR}/{epsilon}", topic, text, where, cost.TIME, {"epsilon": epsilon})
    for dataset in EPSILONS:
        text, keys = f"{dataset_title(dataset)}: operations of training the dense network.", {"dataset": dataset}
        yield Claim(f"dense_operations/{dataset}", topic, text, "thesis Tables VII to IX", cost.DENSE_COUNT, keys)
        text = f"{dataset_title(dataset)}: the comprehensive refinement costs nothing."
        yield Claim(f"overhead/{dataset}", topic, text, "thesis Table XII", cost.OVERHEAD, keys)


def _alike() -> Iterator[Claim]:
    """Yield what remains of the lead over baselines once they have the ensembles' own schedule."""
    for dataset in EPSILONS:
        for method, (words, counterpart) in _FAIR.items():
            if (dataset, method) == (CIFAR, "dense_tse"):
                continue  # is not run: the higher rates of the dense network are
            text = f"{dataset_title(dataset)}: the ensembles are more accurate than {words}."
            keys: Keys = {"dataset": dataset, "method": method, "counterpart": counterpart}
            yield Claim(f"fair/{dataset}/{method}", ALIKE, text, "thesis IV-E", protocol.FAIR, keys)


def _shape() -> Iterator[Claim]:
    topic, where = "Members, depth and width", "thesis appendix G, Figure 8"
    for method in ENSEMBLES:
        falls = method != "fd_tse"
        text = f"More members make {method_title(method)} {'slightly less' if falls else 'more'} accurate."
        yield Claim(f"members/{method}", topic, text, where, others.MEMBERS, {"method": method, "falls": falls})
    for panel, what in (("b", "Depth"), ("c", "Width")):
        keys: Keys = {"panel": panel, "methods": ENSEMBLES}
        text = f"{what} acts alike for all methods."
        yield Claim(f"alike/{what.lower()}", topic, text, where, others.ACT_ALIKE, keys)


def _topology() -> Iterator[Claim]:
    topic, where = "Distance and topology", "thesis appendix I, Figures 9 to 11"
    for dataset in EPSILONS:
        text = f"{dataset_title(dataset)}: distances of random regrowths look normal from about 100 draws."
        keys: Keys = {"dataset": dataset}
        yield Claim(f"gaussian/{dataset}", topic, text, "thesis appendix F, Figures 5 to 7", others.GAUSSIAN, keys)
    for dataset in EPSILONS:
        for method in PROPOSED:
            closer = dataset == GESTURE
            words = "closer to each other than" if closer else "about as far apart as"
            text = f"{dataset_title(dataset)}: the members of {method_title(method)} are {words} those of EDST_RG."
            keys = {"dataset": dataset, "method": method, "closer": closer}
            yield Claim(f"apart/{dataset}/{method}", topic, text, where, others.APART, keys)
