"""`architectures-table`: sizes of the convolutional networks of the sources, worked out from their layers."""

import csv
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from truly_sparse.engine.convolution import architectures
from truly_sparse.engine.convolution.layers import Layer, Plan

PICTURE, CLASSES = (3, 32, 32), 10
PUBLISHED = Path(__file__).parents[2] / "config/published/spas_table2.csv"
#: Name on the page -> layers, and the name of the model in the printed Table 2 of SPaS.
NETWORKS: dict[str, tuple[list[Layer], str]] = {
    "plain counterpart of SPaS-CNN": (architectures.spas(CLASSES, shortcuts=False), "D/S-CNN"),
    "SPaS-CNN": (architectures.spas(CLASSES), "SPaS-CNN"),
    "DenseNet of the same source": (architectures.densenet(CLASSES), "DenseNet"),
    "LeNet-S": (architectures.lenet(CLASSES), ""),
    "LeNet-M": (architectures.lenet(CLASSES, (32, 64), (512, 256)), ""),
    "LeNet-L": (architectures.lenet(CLASSES, (64, 128), (1024, 512)), ""),
    "plain network of the benchmark": (architectures.plain(CLASSES), ""),
}


def printed() -> dict[str, str]:
    """Return the printed parameters by model."""
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["dataset"] == "CIFAR-10"]
    return {row["model"]: row["printed"] for row in rows if row["metric"] == "theta_total"}


def row(name: str, plan: Plan, said: str) -> str:
    """Return a line of the table."""
    links = sum(plan.places.values())
    biases = sum(plan.shapes[made].channels for made, _ in plan.biases)
    numbers = (links, biases, links + biases, said, 2 * plan.norms, plan.multiply_adds)
    cells = " | ".join(f"{n:,}" if isinstance(n, int) else n for n in numbers)
    return f"| {name} | {cells} |"


class ArchitecturesTable(SphinxDirective):
    """A table of one row per network."""

    def run(self) -> list[nodes.Node]:
        """Write the table as text and let the page's own parser read it."""
        said = printed()
        lines = [
            "| network | places of links | biases | both | printed | scales and shifts | multiply-adds |",
            "|---|---|---|---|---|---|---|",
        ]
        for name, (layers, model) in NETWORKS.items():
            lines.append(row(name, Plan(PICTURE, layers), said.get(model, "")))
        container = nodes.container()
        self.state.nested_parse(StringList(lines), self.content_offset, container)
        return container.children


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("architectures-table", ArchitecturesTable)
    return {"parallel_read_safe": True}
