"""The claims of SPaS, each with the rule that judges it; numbers of the source are kept as it prints them."""

from collections.abc import Iterator
from typing import Any

from truly_sparse.analysis.judging import Claim
from truly_sparse.analysis.names import dataset_title
from truly_sparse.studies.spas.runs import DENSE, EVOLVING, MLP, MODES, SPAS, STATIC
from truly_sparse.studies.spas.verdicts import rules
from truly_sparse.studies.spas.verdicts.cells import SPARSE

C10, C100 = "cifar10", "cifar100"
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
        *_cnn(),
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
        keys = {"table": "table3", "metric": "iqm", "explained": True, **both}
        text = f"{dataset_title(dataset)}: plain networks learn nothing from compression {first:g} on, and learn below."
        yield Claim(f"collapse/{dataset}", topic, text, "SPaS 6, Table 3", rules.RANDOM, keys)
    text = "Ours: they do so because of how they start, or of L1 under Adam, and not because they are sparse."
    yield Claim("artefact/cifar10", topic, text, "", rules.ARTEFACT)
    for table, dataset, model, printed, where in (
        ("table3", C10, MLP, 5, "Table 3"),
        ("table3", C10, SPAS, 75, "Table 3"),
        ("table3", C100, SPAS, 75, "Table 3"),
        ("figure4", "tabular", MLP, 5, "figure 4"),
        ("figure4", "tabular", SPAS, 25, "figure 4"),
    ):
        data = "Tabular datasets" if dataset == "tabular" else dataset_title(dataset)
        words = "with shortcuts" if model == SPAS else "plain networks"
        text = f"{data}: how far {words} can be compressed and stay within two points of the dense plain network."
        keys = {"table": table, "dataset": dataset, "model": model, "printed": printed}
        yield Claim(f"reach/{dataset}/{model}", topic, text, f"SPaS 7, RQ3; {where}", rules.REACH, keys)


def _shortcuts() -> Iterator[Claim]:
    topic, where = "Shortcuts on pictures", "SPaS 6, Table 3"
    for dataset, mode, least in ((C10, STATIC, 20), (C10, EVOLVING, 40), (C100, STATIC, 4), (C100, EVOLVING, 10)):
        text = f"{dataset_title(dataset)}: with shortcuts, {_trained(mode)}, a network learns at compression 75."
        keys = {"keys": _at(SPAS, mode, 75, dataset), "least": least}
        yield Claim(f"learns/{dataset}/{mode}", topic, text, where, rules.LEARNS, keys)
    text = "CIFAR-10: the best sparse plain network is about a point above the best one with shortcuts."
    keys = {"dataset": C10, "sign": -1, "least": 0.5, "most": 2.0}
    yield Claim("best/cifar10", topic, text, "SPaS 6, Table 5", rules.LEAD, keys)
    text = "CIFAR-100: the best network with shortcuts is about four points above the best plain one."
    yield Claim("best/cifar100", topic, text, "SPaS 6, Table 5", rules.LEAD, {"dataset": C100, "sign": 1, "least": 2.1})
    one, other = ({"dataset": C10, "model": model, "mode": DENSE} for model in (SPAS, MLP))
    text = "CIFAR-10: a dense network with all shortcuts is about seven points below the dense plain one."
    keys = {"one": one, "other": other, "sign": -1, "least": 3.7}
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
    keys = {"compression": 25, "least": 10, "printed": 20}
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
    for number, dataset, below, above in (
        ("7", C10, (1000, 2000, 5000, 15000), (50000,)),
        ("8", C100, (1000, 2000, 5000, 15000, 50000), ()),
        ("9", "higgs", (1000, 2000), (15000,)),
    ):
        most = f"{max(below):,}"
        text = f"{dataset_title(dataset)}: plain networks learn nothing with {most} links or fewer."
        keys = {"table": f"table{number}", "metric": "mean", "explained": dataset == C10}
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
    yield Claim("range/0.001", topic, text, where, rules.RANGE, {"density": 0.001, "least": 5, "printed": 10})


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
    keys = {"dataset": "MiniBooNE", "sign": 1, "least": 12}
    yield Claim("best/MiniBooNE", topic, text, where, rules.LEAD, keys)


def _masks() -> Iterator[Claim]:
    topic, where = "Depth", "SPaS 7.1"
    text = "The number of possible shortcuts, and so what masks cost, grows exponentially with depth."
    yield Claim("exponential", topic, text, where, rules.EXPONENTIAL)
    text = "Ours: without masks, time and memory follow the links at every depth, shortcuts included."
    yield Claim("linear", topic, text, "", rules.LINEAR, {"least": 0.95})


def _cnn() -> Iterator[Claim]:
    topic = "Convolutional networks"
    for name, text, where in (
        ("best", "The best SPaS-CNN is above the best CNN and the best DenseNet on both datasets.", "Table 5"),
        ("equal_cost", "At equal or fewer operations of a prediction SPaS-CNN is above both.", "figure 3a"),
        ("beyond_5", "Beyond compression 5 it is not.", "figure 3a"),
        ("evolving", "SPaSET adds up to twenty points at compression 75, and the more the higher it is.", "Table 4"),
        ("budgets_set", "With equal budgets and SPaSET, SPaS-CNN is best with many links, worst with few.", "Table 7"),
        ("budgets_static", "With equal budgets and static topologies the plain CNN is the best.", "Table 7"),
        ("ratio", "R hardly matters with 50,000 links, and much with 2,000.", "figure 5"),
    ):  # fmt: skip
        yield Claim(f"cnn/{name}", topic, text, f"SPaS 6, {where}", rules.FOLLOWS)


def _trained(mode: str) -> str:
    return "with SPaSET" if mode == EVOLVING else MODES[mode].lower()
