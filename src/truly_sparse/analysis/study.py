"""A study: one source, and the tables and figures that show what it says beside what was measured here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from truly_sparse.errors import UserError
from truly_sparse.schema import suggest

Config = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """What one table or figure needs.

    Attributes
    ----------
    module : str
        File in the study's folder tables or figures.
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

    def fits(self, config: Config) -> bool:
        """Say whether a configuration has what this needs."""
        needed = {"experiments": self.experiments, "measurements": self.measurements, "methods": self.methods}
        return all(name in config[kind] for kind, names in needed.items() for name in names)

    def runs_of(self, config: Config) -> list[str]:
        """Return the experiments of a configuration that this draws on."""
        return [*self.experiments, *(name for name in self.optional if name in config["experiments"])]

    def measurements_of(self, config: Config) -> list[str]:
        """Return the measurements of a configuration that this draws on."""
        return [*self.measurements, *(name for name in self.optional_measurements if name in config["measurements"])]


@dataclass(frozen=True)
class Source:
    """What a study reproduces.

    Attributes
    ----------
    words : str
        The source in a sentence, such as "the thesis by Muller (2023)".
    title : str
        Its title.
    address : str
        Where it is to be had.
    """

    words: str
    title: str
    address: str


@dataclass(frozen=True)
class Study:
    """The catalogue of one study.

    Attributes
    ----------
    name : str
        That of its folder, its configuration, its results and its text.
    source : Source
    tables, figures : mapping of str to Entry
        By the name of the target that makes them; a name belongs to one study only.
    """

    name: str
    source: Source
    tables: Mapping[str, Entry]
    figures: Mapping[str, Entry] = field(default_factory=dict)

    def offered_tables(self, config: Config) -> dict[str, Entry]:
        """Return the tables that a configuration can make."""
        return {name: entry for name, entry in self.tables.items() if entry.fits(config)}

    def offered_figures(self, config: Config) -> dict[str, Entry]:
        """Return the figures that a configuration can make."""
        return {name: entry for name, entry in self.figures.items() if entry.fits(config)}

    def table(self, config: Config, name: str) -> Entry:
        """Return what a table needs.

        Raises
        ------
        UserError
            For an unknown table, or one whose experiments or measurements the configuration lacks.
        """
        return _entry("table", self.tables, config, name)

    def figure(self, config: Config, name: str) -> Entry:
        """Return what a figure needs; errors as for `table`."""
        return _entry("figure", self.figures, config, name)


def _entry(kind: str, entries: Mapping[str, Entry], config: Config, name: str) -> Entry:
    if name not in entries:
        raise UserError(f'unknown {kind} "{name}"{suggest(name, entries)}')
    entry = entries[name]
    if not entry.fits(config):
        needs = ", ".join([*entry.experiments, *entry.measurements])
        raise UserError(f'{kind} "{name}" needs {needs}, which preset {config["preset"]} lacks')
    return entry
