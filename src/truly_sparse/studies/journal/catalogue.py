"""Every table and figure: which file makes it, and what it draws on. A new one is one file and one line here.

Nothing is imported for it: the workflow reads this list each time it starts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Entry:
    """What one table or figure needs.

    Attributes
    ----------
    module : str
        File below analysis/tables or analysis/figures.
    experiments : tuple of str
        Experiments of the configuration whose runs it shows.
    optional : tuple of str
        Experiments that add to it where the configuration has them.
    measurements : tuple of str
        Measurements of the configuration it shows.
    optional_measurements : tuple of str
        Measurements that add to it where the configuration has them.
    methods : tuple of str
        Methods it makes no sense without.
    tables : tuple of str
        Tables whose CSV it reads, as far as the configuration has them.
    """

    module: str
    experiments: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    measurements: tuple[str, ...] = ()
    optional_measurements: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()

    def fits(self, config: Mapping[str, Any]) -> bool:
        """Say whether a configuration has what this needs."""
        needed = {"experiments": self.experiments, "measurements": self.measurements, "methods": self.methods}
        return all(name in config[kind] for kind, names in needed.items() for name in names)

    def runs_of(self, config: Mapping[str, Any]) -> list[str]:
        """Return the experiments of a configuration that this draws on."""
        return [*self.experiments, *(name for name in self.optional if name in config["experiments"])]

    def measurements_of(self, config: Mapping[str, Any]) -> list[str]:
        """Return the measurements of a configuration that this draws on."""
        return [*self.measurements, *(name for name in self.optional_measurements if name in config["measurements"])]


TABLES: dict[str, Entry] = {
    "table1": Entry("table1", experiments=("table1",)),
    "table2": Entry("table2", experiments=("table2",)),
    "table3": Entry("table3", experiments=("refinement",)),
    "table4": Entry("table4", measurements=("scalability",)),
    "table5": Entry("table5", experiments=("table1",), optional=("table2",), methods=("edst_rg",)),
    "table6": Entry("table6", experiments=("table1",)),
    "choices": Entry("choices", experiments=("choices", "table1")),
    "helps": Entry(
        "helps", experiments=("refinement", "preprocessing", "protocol"), optional=("table1", "table2", "features")
    ),
    "table7": Entry("table7", measurements=("datasets",)),
    "practice": Entry("practice", experiments=("practice",), optional=("table1", "table2")),
    "members": Entry("members", experiments=("table1",), optional=("table2",)),
    "verdicts": Entry(
        "verdicts",
        experiments=("table1",),
        optional=("table2", "refinement", "preprocessing", "protocol", "practice"),
        optional_measurements=("scalability", "topology"),
    ),
}
FIGURES: dict[str, Entry] = {
    "summary": Entry("summary", experiments=("table1",), tables=("verdicts", "helps")),
    "accuracy": Entry("accuracy", experiments=("table1",)),
    "cost": Entry("cost", experiments=("table1",)),
    "figure1": Entry("figure1"),
    "figure2": Entry("figure2", measurements=("distances", "lambdas")),
    "figure3": Entry("figure3", measurements=("trajectories",)),
    "figure4": Entry("figure4", measurements=("topology",)),
    "distances": Entry("distances", measurements=("distances",)),
    "ranks": Entry("ranks", experiments=("table2",)),
    "effects": Entry("effects", experiments=("refinement", "preprocessing", "protocol"), optional=("table1", "table2")),
    "peers": Entry("peers", experiments=("practice",), optional=("table1", "table2")),
    "shape": Entry("shape", experiments=("shape",), optional=("table1",)),
}


def offered(entries: Mapping[str, Entry], config: Mapping[str, Any]) -> dict[str, Entry]:
    """Return the tables (or figures) that a configuration can make."""
    return {name: entry for name, entry in entries.items() if entry.fits(config)}
