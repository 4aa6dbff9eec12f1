"""The studies there are: every folder beside this file. A new one is a folder, and nothing else here."""

from collections.abc import Iterable
from functools import cache
from importlib import import_module
from typing import Any

from truly_sparse.analysis.study import Config, Study
from truly_sparse.errors import UserError
from truly_sparse.schema import suggest


@cache
def find(name: str) -> Study:
    """Return the catalogue of a study; a validated configuration names one that exists."""
    study: Study = part(name, "catalogue").STUDY
    return study


def part(study: str, name: str) -> Any:
    """Return a module of a study, such as "tables.table1"."""
    return import_module(f"truly_sparse.studies.{study}.{name}")


def owner(kind: str, name: str, configs: Iterable[Config]) -> Config:
    """Return the configuration whose study has a table or figure.

    Parameters
    ----------
    kind : {"table", "figure", "table or figure"}
    name : str
    configs : iterable of dict
        Of different studies.

    Raises
    ------
    UserError
        For a name that none of them has.
    """
    configs, kinds = list(configs), [f"{one}s" for one in kind.split(" or ")]
    known = {entry: config for config in configs for one in kinds for entry in getattr(find(config["study"]), one)}
    if name not in known:
        if kind == "table" and any(name in find(config["study"]).figures for config in configs):
            raise UserError(f'"{name}" is a figure, not a table; `snakemake --cores 1 {name}` draws it')
        raise UserError(f'unknown {kind} "{name}"{suggest(name, known)}')
    return known[name]
