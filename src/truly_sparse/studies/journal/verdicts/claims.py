"""What the journal claims, claim by claim; combinations of dataset and sparsity come from its printed tables."""

from collections.abc import Iterator

import pandas as pd

from truly_sparse.analysis.formats import number
from truly_sparse.analysis.judging import Claim, Rule
from truly_sparse.analysis.names import dataset_title, method_title
from truly_sparse.analysis.tse import PROPOSED
from truly_sparse.studies.journal.verdicts import accuracy, cost, others, protocol
from truly_sparse.studies.journal.verdicts.accuracy import ACCURACY, BASELINE

RULES: tuple[Rule, ...] = (*accuracy.RULES, *protocol.RULES, *cost.RULES, *others.RULES)
USUAL = 20.0
#: The topic of claims that are judged again with the same training on both sides.
ALIKE = "What remains when both sides are trained alike"


def claims(table1: pd.DataFrame, table3: pd.DataFrame, table5: pd.DataFrame) -> list[Claim]:
    """Return all claims.

    Parameters
    ----------
    table1, table3, table5 : DataFrame
        Printed numbers of those tables, as `published.load` returns them.
    """
    printed = table1[table1["metric"] == ACCURACY]
    cells = list(dict.fromkeys(zip(*(printed[printed["epsilon"].notna()][c] for c in ("dataset", "epsilon")),
                                   strict=True)))  # fmt: skip
    return [
        *_accuracy(printed, cells),
        *_significance(table5),
        *_cost(cells),
        *_benchmark(),
        *_refinement(table3),
        *_alike(printed, cells),
        *_scale(),
        *_topology(),
    ]


def _at(dataset: str, epsilon: float) -> str:
    return f"{dataset_title(dataset)}, ε = {number(epsilon)}"


def _accuracy(printed: pd.DataFrame, cells: list[tuple[str, float]]) -> Iterator[Claim]:
    topic, where = "Accuracy", "journal 4.2, Table 1"
    for dataset in dict.fromkeys(dataset for dataset, _ in cells):
        text = f"{dataset_title(dataset)}: the test accuracies of the sparse models."
        yield Claim(f"agreement/{dataset}", topic, text, "journal Table 1", accuracy.AGREEMENT, {"dataset": dataset})
    for dataset, epsilon in cells:
        keys = {"dataset": dataset, "epsilon": epsilon}
        text = f"{_at(dataset, epsilon)}: the order of the models by accuracy."
        yield Claim(f"order/{dataset}/{number(epsilon)}", topic, text, "journal Table 1", accuracy.ORDER, keys)
    settings = printed.set_index(["dataset", "epsilon", "method"])["setting"]
    for dataset, epsilon in cells:
        for method in PROPOSED:
            keys = {"dataset": dataset, "method": method, "setting": settings[dataset, epsilon, method]}
            keys["baseline"] = settings[dataset, epsilon, BASELINE]
            text = f"{_at(dataset, epsilon)}: {method_title(method)} is more accurate than EDST_RG."
            name = f"{dataset}/{number(epsilon)}/{method}"
            yield Claim(f"gain/{name}", topic, text, where, accuracy.GAIN, keys)
    text = "Which of the proposed methods is best differs by dataset and sparsity."
    yield Claim("best_differs", topic, text, "journal 4.2", accuracy.BEST_DIFFERS, {"cells": tuple(cells)})
    for dataset, epsilon in cells:
        keys = {"dataset": dataset, "epsilon": epsilon}
        text = f"{_at(dataset, epsilon)}: all proposed methods are more accurate than dense models."
        name = f"{dataset}/{number(epsilon)}"
        yield Claim(f"above_dense/{name}", topic, text, "journal 5, Table 1", accuracy.ABOVE_DENSE, keys)


def _significance(table5: pd.DataFrame) -> Iterator[Claim]:
    topic, where = "Significance", "journal appendix B, Table 5"
    tested = table5[table5["metric"] == "p_value"]
    for dataset, epsilon in dict.fromkeys(zip(tested["dataset"], tested["epsilon"], strict=True)):
        keys, name = {"dataset": dataset, "epsilon": epsilon}, f"{dataset}/{number(epsilon)}"
        text = f"{_at(dataset, epsilon)}: which methods outperform EDST_RG significantly, by the authors' test."
        yield Claim(f"authors_test/{name}", topic, text, where, others.AUTHORS, keys)
        text = f"{_at(dataset, epsilon)}: they outperform EDST_RG significantly over training seeds."
        yield Claim(f"over_seeds/{name}", topic, text, where, others.OVER_SEEDS, keys)


def _cost(cells: list[tuple[str, float]]) -> Iterator[Claim]:
    topic, where = "Cost", "journal Table 1"
    for dataset, epsilon in cells:
        keys, name = {"dataset": dataset, "epsilon": epsilon}, f"{dataset}/{number(epsilon)}"
        text = f"{_at(dataset, epsilon)}: weights of an ensemble of five, as a multiple of one dense network's."
        yield Claim(f"weights/{name}", topic, text, where, cost.WEIGHTS, keys)
    for dataset in dict.fromkeys(dataset for dataset, _ in cells):
        epsilons = tuple(epsilon for name, epsilon in cells if name == dataset)
        for epsilon in epsilons:
            keys = {"dataset": dataset, "epsilon": epsilon, "epsilons": epsilons}
            text = f"{_at(dataset, epsilon)}: operations of training it, as a multiple of one dense network's."
            yield Claim(f"operations/{dataset}/{number(epsilon)}", topic, text, where, cost.OPERATIONS_RATIO, keys)
        keys, title = {"dataset": dataset}, dataset_title(dataset)
        text = f"{title}: operations of training the dense network."
        yield Claim(f"dense_operations/{dataset}", topic, text, where, cost.DENSE_OPERATIONS, keys)
        text = f"{title}: the proposed methods take no significant additional training time."
        yield Claim(f"overhead/{dataset}", topic, text, "journal 4.2", cost.OVERHEAD, keys)
        text = f"{title}: the proposed ensembles train faster than one dense network."
        yield Claim(f"faster/{dataset}", topic, text, "journal 5", cost.FASTER, keys)


def _benchmark() -> Iterator[Claim]:
    topic, where = "Tabular benchmark", "journal 4.3, Table 2"
    yield Claim("top", topic, "A proposed method is the most accurate on 11 of the 14 datasets.", where, others.TOP)
    text = "Dist-TSE is most often the most accurate."
    yield Claim("most/dist_tse", topic, text, where, others.MOST, {"method": "dist_tse"})


def _refinement(table3: pd.DataFrame) -> Iterator[Claim]:
    topic, where = "Comprehensive refinement", "journal 4.4, Table 3"
    for dataset, method in dict.fromkeys(zip(table3["dataset"], table3["method"], strict=True)):
        text = f"{dataset_title(dataset)}: what the comprehensive refinement adds to {method_title(method)}."
        keys = {"dataset": dataset, "method": method}
        yield Claim(f"ablation/{dataset}/{method}", topic, text, where, accuracy.ABLATION, keys)


def _alike(printed: pd.DataFrame, cells: list[tuple[str, float]]) -> Iterator[Claim]:
    """Yield what remains of the claims when both sides are trained alike: the same claims, another protocol."""
    topic, where = ALIKE, "journal Table 1"
    settings = printed.set_index(["dataset", "epsilon", "method"])["setting"]
    for method in PROPOSED:
        text = f"{method_title(method)}'s regrowth is better than EDST_RG's, whatever the refinement."
        yield Claim(f"regrowth/{method}", topic, text, "journal 4.2", protocol.REGROWTH, {"method": method})
    for dataset in (dataset for dataset, epsilon in cells if epsilon == USUAL):
        at = {"dataset": dataset, "epsilon": USUAL}
        for method in PROPOSED:
            keys = {"dataset": dataset, "method": method, "setting": settings[dataset, USUAL, method]}
            keys["baseline"] = settings[dataset, USUAL, BASELINE]
            text = f"{_at(dataset, USUAL)}: {method_title(method)} is more accurate than EDST_RG, both comprehensive."
            yield Claim(f"same_refinement/{dataset}/{method}", topic, text, where, protocol.SAME_REFINEMENT, keys)
        for name, words, rivals, theirs in _RIVALS:
            text = f"{_at(dataset, USUAL)}: a proposed ensemble is more accurate than {words}."
            keys = {**at, "rivals": rivals, "printed": theirs}
            yield Claim(f"lead/{dataset}/{name}", topic, text, where, protocol.LEAD, keys)
        text = f"{_at(dataset, USUAL)}: a proposed ensemble is more accurate than a well-trained dense network."
        yield Claim(f"above_tuned/{dataset}", topic, text, "journal 5", protocol.ABOVE_TUNED, at)


#: Name, words, models trained like the ensembles, and the printed models they stand for.
_RIVALS = (
    ("single", "one sparse network", ("set_mlp_tse", "static_tse"), ("set_mlp", "static")),
    ("dense", "one dense network", ("dense_tse",), ("dense",)),
    ("cost", "five independent SET-MLPs of the same total cost", ("set_ensemble_cost",), ()),
    ("epochs", "five independent SET-MLPs of as many epochs each", ("set_ensemble_epochs",), ()),
)


def _scale() -> Iterator[Claim]:
    topic, where = "Scalability", "journal 4.7, Table 4"
    for method in ("rd_tse", "fd_tse"):
        text = f"{method_title(method)} scales well with the number of neurons."
        yield Claim(f"scales/{method}", topic, text, where, others.SCALES, {"method": method})
    text = "Dist-TSE needs as many iterations for large blocks as for small ones."
    yield Claim("constant_iterations", topic, text, where, others.CONSTANT_ITERATIONS, {"method": "dist_tse"})


def _topology() -> Iterator[Claim]:
    topic, where = "Topology", "journal 4.6, Figure 4"
    for method in ("rd_tse", "fd_tse"):
        text = f"{method_title(method)} starts a network whose topology is further from its predecessor than EDST_RG's."
        yield Claim(f"topology/{method}", topic, text, where, others.TOPOLOGY, {"method": method, "closer": False})
    text = "Dist-TSE starts one that is closer to its predecessor than EDST_RG's."
    yield Claim("topology/dist_tse", topic, text, where, others.TOPOLOGY, {"method": "dist_tse", "closer": True})
    text = "Subnetworks of FD-TSE follow trajectories of their own; those of EDST_RG and Dist-TSE are partly shared."
    yield Claim(
        "trajectories",
        topic,
        text,
        "journal 4.5, Figure 3",
        others.PICTURE,
        {"shown": "the figure of training trajectories"},
    )
