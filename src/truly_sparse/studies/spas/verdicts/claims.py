"""The claims of SPaS, each with the rule that judges it; numbers of the source are kept as it prints them."""

from collections.abc import Iterator
from typing import Any

from truly_sparse.analysis.judging import Claim
from truly_sparse.analysis.names import dataset_title
from truly_sparse.studies.spas.runs import CNN, DENSE, DENSENET, EVOLVING, MLP, MODELS, MODES, SPAS, SPAS_CNN, STATIC
from truly_sparse.studies.spas.verdicts import convolution, ensembles, rules
from truly_sparse.studies.spas.verdicts.cells import SPARSE

C10, C100 = "cifar10", "cifar100"
#: The topic of all claims about networks that are no perceptrons.
CONVOLUTIONAL = "Convolutional networks"
#: Datasets on which shortcuts change little, as printed.
_CLOSE = ("electricity", "pol", "house_16H", "MagicTelescope", "Bioresponse", "higgs", "jannis")


def claims() -> list[Claim]:
    """Return all claims, in the order of the page."""
    return [
        *_collapse(),
        *_shortcuts(),
        *_evolving(),
        *_budgets(),
        *_ratio(),
        *_stability(),
        *_tabular(),
        *_masks(),
        *_cnn_accuracy(),
        *_cnn_evolving(),
        *_cnn_links(),
        *ensembles.claims(),
    ]


def _at(model: str, mode: str, compression: float, dataset: str) -> dict[str, Any]:
    return {"dataset": dataset, "model": model, "mode": mode, "compression": compression}


def _collapse() -> Iterator[Claim]:
    topic = "Plain networks"
    for dataset, first in ((C10, 12.5), (C100, 5)):
        both = {
            kind: [_at(MLP, mode, c, dataset) for mode in SPARSE for c in compressions]
            for kind, compressions in (
                ("random", [c for c in (5, 12.5, 25, 75) if c >= first]),
                ("learned", [c for c in (2, 5) if c < first]),
            )
        }
        keys: dict[str, Any] = {"table": "table3", "metric": "iqm", "dataset": dataset, **both}
        text = f"{dataset_title(dataset)}: plain networks learn nothing from compression {first:g} on, and learn below."
        yield Claim(f"collapse/{dataset}", topic, text, "SPaS 6, Table 3", rules.RANDOM, keys)
    for dataset in (C10, C100, rules.TABULAR):
        text = f"Ours, {_data(dataset)}: this is due to how they start or to L1 under Adam, not to their being sparse."
        yield Claim(f"artefact/{dataset}", topic, text, "", rules.ARTEFACT, {"dataset": dataset})
    for table, dataset, model, printed, where in (
        ("table3", C10, MLP, 5, "Table 3"),
        ("table3", C10, SPAS, 75, "Table 3"),
        ("table3", C100, SPAS, 75, "Table 3"),
        ("figure4", rules.TABULAR, MLP, 5, "figure 4"),
        ("figure4", rules.TABULAR, SPAS, 25, "figure 4"),
    ):
        words = "with shortcuts" if model == SPAS else "plain networks"
        text = f"{_data(dataset)}: how far {words} can be compressed and stay within two points of the dense one."
        keys = {"table": table, "dataset": dataset, "model": model, "printed": printed}
        yield Claim(f"reach/{dataset}/{model}", topic, text, f"SPaS 7, RQ3; {where}", rules.REACH, keys)


def _shortcuts() -> Iterator[Claim]:
    topic, where = "Shortcuts on pictures", "SPaS 6, Table 3"
    for dataset, mode, least in ((C10, STATIC, 20), (C10, EVOLVING, 40), (C100, STATIC, 4), (C100, EVOLVING, 10)):
        text = f"{dataset_title(dataset)}: with shortcuts, {_trained(mode)}, a network learns at compression 75."
        own = {"keys": _at(SPAS, mode, 75, dataset), "least": least}
        yield Claim(f"learns/{dataset}/{mode}", topic, text, where, rules.LEARNS, own)
    text = "CIFAR-10: the best sparse plain network is about a point above the best one with shortcuts."
    keys: dict[str, Any] = {"dataset": C10, "sign": -1, "least": 0.5, "most": 2.0}
    yield Claim("best/cifar10", topic, text, "SPaS 6, Table 5", rules.LEAD, keys)
    text = "CIFAR-100: the best network with shortcuts is about four points above the best plain one."
    keys = {"dataset": C100, "sign": 1, "least": 2.1, "most": 8.5}
    yield Claim("best/cifar100", topic, text, "SPaS 6, Table 5", rules.LEAD, keys)
    one, other = ({"dataset": C10, "model": model, "mode": DENSE} for model in (SPAS, MLP))
    text = "CIFAR-10: a dense network with all shortcuts is about seven points below the dense plain one."
    keys = {"one": one, "other": other, "sign": -1, "least": 3.7, "most": 14.9}
    yield Claim("dense/cifar10", topic, text, where, rules.DIFFERENCE, keys)
    for model, words in ((MLP, "plain network"), (SPAS, "network with shortcuts")):
        text = f"CIFAR-10: a sparse {words} is more accurate than the dense plain one."
        keys = {"dataset": C10, "model": model, "least": 1.2}
        yield Claim(f"sparse/cifar10/{model}", topic, text, where, rules.ABOVE_DENSE, keys)


def _evolving() -> Iterator[Claim]:
    topic, where = "SPaSET", "SPaS 6, Table 3"
    for dataset, least in ((C10, 10.3), (C100, 6.1)):
        title = dataset_title(dataset)
        one, other = (_at(SPAS, mode, 75, dataset) for mode in (EVOLVING, STATIC))
        text = f"{title}: SPaSET is far more accurate than a static topology at compression 75."
        keys: dict[str, Any] = {"one": one, "other": other, "sign": 1, "least": least}
        yield Claim(f"evolving/{dataset}", topic, text, where, rules.DIFFERENCE, keys)
        text = f"{title}: what SPaSET adds grows with the compression."
        yield Claim(f"grows/{dataset}", topic, text, where, rules.GROWS, {"dataset": dataset})
    text = "Tabular datasets: SPaSET adds about twenty points at compression 25."
    keys = {"compression": 25, "printed": 20}
    yield Claim("evolving/tabular", topic, text, "SPaS 6, figure 4", rules.EVOLVING_GAIN, keys)


def _budgets() -> Iterator[Claim]:
    topic = "Budgets of links"
    for number, dataset, model, mode, budget in (
        ("7", C10, SPAS, EVOLVING, 1000),
        ("8", C100, SPAS, EVOLVING, 2000),
        ("9", "higgs", SPAS, STATIC, 1000),
        ("9", "higgs", SPAS, EVOLVING, 1000),
    ):
        text = f"{dataset_title(dataset)}: with shortcuts, {_trained(mode)}, a network learns with {budget:,} links."
        keys: dict[str, Any] = {"table": f"table{number}", "metric": "mean", "random": []}
        keys |= {"learned": [{"model": model, "mode": mode, "budget": budget}]}
        yield Claim(f"survives/{dataset}/{mode}", topic, text, f"SPaS B, Table {number}", rules.RANDOM, keys)
    # The compressions at which the same network has no more links than the claim names.
    for number, dataset, below, above, compressions in (
        ("7", C10, (1000, 2000, 5000, 15000), (50000,), (25,)),
        ("8", C100, (1000, 2000, 5000, 15000, 50000), (), rules.COLLAPSED),
        ("9", "higgs", (1000, 2000), (15000,), rules.COLLAPSED),
    ):
        most = f"{max(below):,}"
        text = f"{dataset_title(dataset)}: plain networks learn nothing with {most} links or fewer."
        keys = {"table": f"table{number}", "metric": "mean", "dataset": dataset, "compressions": compressions}
        for kind, budgets in (("random", below), ("learned", above)):
            keys[kind] = [{"model": MLP, "mode": mode, "budget": budget} for mode in SPARSE for budget in budgets]
        yield Claim(f"fails/{dataset}", topic, text, f"SPaS B, Table {number}", rules.RANDOM, keys)


def _ratio() -> Iterator[Claim]:
    topic, where = "The ratio R", "SPaS 6, figure 6"
    for density in (0.25, 0.1, 0.05):
        text = f"CIFAR-10, density {density:g}: accuracy rises with R, the sequential part of the links."
        yield Claim(f"ratio/{density:g}", topic, text, where, rules.RATIO, {"density": density, "falls": False})
    for density in (0.01, 0.005, 0.001):
        text = f"CIFAR-10, density {density:g}: accuracy falls with R."
        yield Claim(f"ratio/{density:g}", topic, text, where, rules.RATIO, {"density": density, "falls": True})
    text = "CIFAR-10, density 0.001: R makes a difference of about ten points."
    yield Claim("range/0.001", topic, text, where, rules.RANGE, {"density": 0.001, "printed": 10})


def _stability() -> Iterator[Claim]:
    topic = "Stability"
    text = "Shortcuts add more to the IQM than to the best run, in almost all cases."
    yield Claim("stable", topic, text, "SPaS 6, Table 5", rules.STABLE, {"least": 0.75})
    text = "Shortcuts make training more stable: accuracies of seeds spread less."
    yield Claim("spread", topic, text, "SPaS 6", rules.SPREAD)


def _tabular() -> Iterator[Claim]:
    topic, where = "Tabular datasets", "SPaS 6, Table 5"
    for dataset in _CLOSE:
        text = f"{dataset_title(dataset)}: shortcuts change the best accuracy by little."
        yield Claim(f"close/{dataset}", topic, text, where, rules.CLOSE, {"dataset": dataset, "most": 1.2})
    text = "MiniBooNE: shortcuts add about 25 points."
    keys = {"dataset": "MiniBooNE", "sign": 1, "least": 12, "most": 49}
    yield Claim("best/MiniBooNE", topic, text, where, rules.LEAD, keys)


def _masks() -> Iterator[Claim]:
    topic, where = "Depth", "SPaS 7.1"
    text = "The number of possible shortcuts, and so what masks cost, grows exponentially with depth."
    yield Claim("exponential", topic, text, where, rules.EXPONENTIAL)
    text = "Ours: without masks, time and memory follow the links at every depth, shortcuts included."
    yield Claim("linear", topic, text, "", rules.LINEAR, {"least": 0.95})
    for metric, words in (("cpu_seconds", "Ours: the time of a step"), ("bytes", "Ours: the memory of a network")):
        text = f"{words} grows in proportion to its links with depth, where masks grow with their square."
        yield Claim(f"power/{metric}", topic, text, "", rules.POWER, {"metric": metric, "most": 1.1})


def _cnn_accuracy() -> Iterator[Claim]:
    for dataset, method, least in (
        (C10, CNN, 1.13),
        (C10, DENSENET, 0.945),
        (C100, CNN, 2.52),
        (C100, DENSENET, 0.68),
    ):
        text = f"{dataset_title(dataset)}: the best SPaS-CNN is above the best {MODELS[method]}."
        keys: dict[str, Any] = {"dataset": dataset, "method": method, "sign": 1, "least": least}
        yield Claim(f"cnn/best/{dataset}/{method}", CONVOLUTIONAL, text, "SPaS 6, Table 5", rules.LEAD, keys)
    for dataset in (C10, C100):
        title, where = dataset_title(dataset), "SPaS 6, figure 3a"
        text = f"{title}: up to compression 5, SPaS-CNN is above both others with as many operations of a prediction."
        keys = {"dataset": dataset, "compressions": (2, 5), "least": 1.0, "most": 1.0}
        yield Claim(f"cnn/equal_cost/{dataset}", CONVOLUTIONAL, text, where, convolution.EQUAL_COST, keys)
        text = f"{title}: beyond compression 5 it is not."
        keys = {"dataset": dataset, "compressions": (12.5, 25, 75), "least": 0.0, "most": 0.5}
        yield Claim(f"cnn/beyond_5/{dataset}", CONVOLUTIONAL, text, where, convolution.EQUAL_COST, keys)


def _cnn_evolving() -> Iterator[Claim]:
    where = "SPaS 6, Table 4"
    one, other = (_at(SPAS_CNN, mode, 75, C10) for mode in (EVOLVING, STATIC))
    text = "CIFAR-10: SPaSET adds up to twenty points to SPaS-CNN at compression 75."
    keys: dict[str, Any] = {"one": one, "other": other, "sign": 1, "least": 8.9, "table": "table4"}
    yield Claim("cnn/evolving/cifar10", CONVOLUTIONAL, text, where, rules.DIFFERENCE, keys)
    for dataset in (C10, C100):
        text = f"{dataset_title(dataset)}: what SPaSET adds to SPaS-CNN grows with the compression."
        keys = {"dataset": dataset, "table": "table4", "model": SPAS_CNN}
        yield Claim(f"cnn/grows/{dataset}", CONVOLUTIONAL, text, where, rules.GROWS, keys)


def _cnn_links() -> Iterator[Claim]:
    for mode, budget, model, rank in (
        (EVOLVING, 50000, SPAS_CNN, 1),
        (EVOLVING, 15000, SPAS_CNN, 1),
        (EVOLVING, 2000, SPAS_CNN, 3),
        (STATIC, 50000, CNN, 1),
        (STATIC, 15000, CNN, 1),
        (STATIC, 5000, CNN, 1),
    ):
        words = f"{MODELS[model]} is the {'best' if rank == 1 else 'worst'} of three"
        text = f"CIFAR-10, {budget:,} links, {_trained(mode)}: {words}."
        keys: dict[str, Any] = {"mode": mode, "budget": budget, "model": model, "rank": rank}
        yield Claim(f"cnn/budgets_{mode}/{budget}", CONVOLUTIONAL, text, "SPaS B, Table 7", convolution.RANK, keys)
    for budget, hardly in ((50000, True), (2000, False)):
        text = f"CIFAR-10, {budget:,} links: R {'hardly matters' if hardly else 'matters much'} to SPaS-CNN."
        keys = {"budget": budget, "hardly": hardly}
        yield Claim(f"cnn/ratio/{budget}", CONVOLUTIONAL, text, "SPaS 6, figure 5", convolution.RATIO, keys)


def _data(dataset: str) -> str:
    return "Tabular datasets" if dataset == rules.TABULAR else dataset_title(dataset)


def _trained(mode: str) -> str:
    return "with SPaSET" if mode == EVOLVING else MODES[mode].lower()
