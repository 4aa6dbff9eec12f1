"""The configuration of a study: one YAML file, checked against its schema and for sense, every default filled in.

A study at full scale is config/<study>.yaml. A preset such as quick is a file config/<preset>.yaml with what its
studies have in common, and a folder of that name with a file for each study that takes part.
"""

import copy
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from truly_sparse.data import registry
from truly_sparse.ensembles import methods
from truly_sparse.errors import UserError, one_line
from truly_sparse.experiments.configuration_schema import check, fill, schema, suggest
from truly_sparse.schema import read_yaml
from truly_sparse.training.config import DENSITIES, TrainingConfig, contradiction

#: The preset of every study at full scale.
FULL_SCALE = "paper"
#: Where configurations lie.
FOLDER = Path("config")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
FIXED_KEYS = ("datasets", "methods", "seeds")
DATA_KEYS = ("scaling", "split", "test_fraction", "validation_fraction", "stratify")
#: Data settings that came later, and what runs did before; a run's settings have them only where they are not that.
ADDED_DATA = {"train_rows": 0, "test_rows": 0, "validation": "held_out"}
ALL_DATA_KEYS = (*DATA_KEYS, *ADDED_DATA)


def load_config(path: str | Path) -> dict[str, Any]:
    """Return the configuration in a YAML (or JSON) file, validated, every default filled in.

    Raises
    ------
    UserError
        Where the file is absent, is not YAML, or says something that is not possible.
    """
    path = Path(path)
    return validate(read_file(path), where=str(path), near=path)


def load_configs(paths: Iterable[str | Path] = ()) -> list[dict[str, Any]]:
    """Return the configurations that files stand for, a preset's for each of its studies; errors as for `load_config`.

    Parameters
    ----------
    paths : iterable of str or Path
        Files of a study or of a preset; none for every study at full scale.
    """
    files = [Path(path) for path in paths]
    contents: list[tuple[str, Path | None, Any]] = [(str(file), file, read_file(file)) for file in files]
    return [
        validate(content, where, near)
        for name, near, given in contents or [("configuration", None, {})]
        for where, content in by_study(given, name)
    ]


def by_study(given: Any, where: str = "configuration") -> Iterator[tuple[str, Any]]:
    """Yield (what messages call it, content) of every configuration that a mapping stands for.

    Parameters
    ----------
    given : dict
        A study's configuration, which names its `study`; or settings that replace those of every study of a preset, by
        default of all studies at full scale.
    where : str
        What error messages call it.

    Raises
    ------
    UserError
        Where no study takes part in the preset.
    """
    preset = given.get("preset", FULL_SCALE) if isinstance(given, dict) else None
    if not isinstance(preset, str) or not _NAME.fullmatch(preset) or "study" in given:
        yield where, given  # to be refused, if it names no study
        return
    folder = FOLDER if preset == FULL_SCALE else FOLDER / preset
    files = [file for name in study_names() if (file := folder / f"{name}.yaml").is_file()]
    if not files:
        raise UserError(f'{where}: the key "study" is missing, and {folder} holds no configuration of a study')
    for file in files:
        yield f"{where}, {file}" if given else str(file), _replaced(read_file(file), given)


def read_file(path: Path) -> Any:
    """Return what a file of a configuration holds.

    Raises
    ------
    UserError
        Where it cannot be read, is no YAML, or has a key twice.
    """
    try:
        return read_yaml(path)
    except OSError as error:
        raise UserError(f"{path}: cannot read the configuration ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid YAML ({one_line(error)})") from error


def _replaced(content: Any, changes: Any) -> Any:
    """Return a mapping with the values of another in it, mappings inside it likewise."""
    if not isinstance(content, dict) or not isinstance(changes, dict):
        return changes
    return content | {key: _replaced(content.get(key), value) for key, value in changes.items()}


def validate(config: Any, where: str = "configuration", near: Path | None = None) -> dict[str, Any]:
    """Return a copy of `config` with every default filled in, after checking keys, values and sense.

    Parameters
    ----------
    config : dict
        What a configuration file holds.
    where : str
        What error messages call it.
    near : Path, optional
        A file of the checkout, where the package itself is installed elsewhere.

    Raises
    ------
    UserError
        In one line: the path of the key, what is wrong with it, and the nearest name that is known.
    """
    root = schema(near)
    check(config, root, where)
    filled: dict[str, Any] = fill(config, root, root)
    if filled["study"] not in study_names():
        raise UserError(f'{where}: study: unknown study "{filled["study"]}"{suggest(filled["study"], study_names())}')
    _check_strategies(filled, where)
    for experiment, blocks in filled["experiments"].items():
        for position, block in enumerate(blocks):
            _check_block(filled, block, f"{where}: experiments.{experiment}[{position}]")
    return filled


def check_experiments(configs: Iterable[dict[str, Any]], names: Iterable[str]) -> None:
    """Refuse a name that is no experiment of any of some configurations.

    Raises
    ------
    UserError
    """
    known = [name for config in configs for name in config["experiments"]]
    for name in names:
        if name not in known:
            raise UserError(f'unknown experiment "{name}"{suggest(name, known)}')


def results_folder(config: dict[str, Any]) -> Path:
    """Return results/<study> at full scale, else results/<preset>/<study>, relative to where the workflow runs."""
    preset = "" if config["preset"] == FULL_SCALE else config["preset"]
    return Path("results") / preset / config["study"]


def data_of(config: dict[str, Any], dataset: str, point: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the data settings of a dataset, with those of a point of the grid in their place.

    `table` is there of data that a configuration brings along, or takes other rows of: it tells what is in it.
    """
    own = config["datasets"][dataset] | {key: value for key, value in (point or {}).items() if key in ALL_DATA_KEYS}
    found = {key: own[key] for key in DATA_KEYS}
    found |= {key: own[key] for key, before in ADDED_DATA.items() if own.get(key, before) != before}
    table = registry.changed(dataset, own)
    return found | ({"table": table} if table else {})


def training_of(config: dict[str, Any], dataset: str, method: str) -> dict[str, Any]:
    """Return the training settings of a method on a dataset, before any grid axis.

    The method comes last: a dense model keeps its own activation whatever slope the dataset asks for.
    """
    return copy.deepcopy(
        config["training"] | config["datasets"][dataset]["training"] | config["methods"][method]["training"]
    )


def check_run(training: dict[str, Any], model: str, strategy: str, data: Mapping[str, Any]) -> str | None:
    """Return what is contradictory in one run's settings, or None."""
    on_test = data.get("validation") == "test"
    if on_test and data["validation_fraction"]:
        return "validation test needs validation_fraction 0: no rows are held out"
    if training["selection"] == "best_validation" and not on_test and data["validation_fraction"] == 0:
        return "selection best_validation needs validation rows; raise validation_fraction or set selection: last"
    settings = TrainingConfig.of(training)
    return contradiction(settings, model) or methods.kind(strategy).problem(strategy, settings)


@cache
def study_names() -> tuple[str, ...]:
    """Return the names of the studies, read from the folders of the package."""
    return tuple(sorted(file.parent.name for file in (Path(__file__).parents[1] / "studies").glob("*/catalogue.py")))


def strategy_names() -> set[str]:
    """Return the names a method's `strategy` may have, read from the files of the package."""
    return {*methods.names(), *methods.strategies()}


def _files(folder: str) -> set[str]:
    """Return the names of the modules in a folder of the package."""
    return {file.stem for file in (Path(__file__).parents[1] / folder).glob("[!_]*.py")}


def _check_strategies(config: dict[str, Any], where: str) -> None:
    known, references = strategy_names(), _files("references")
    for name, method in config["methods"].items():
        strategy = method["strategy"]
        if method["model"] == "reference":
            if strategy not in references:
                raise UserError(
                    f'{where}: methods.{name}.strategy: unknown reference "{strategy}"{suggest(strategy, references)}'
                )
            continue
        if strategy not in known:
            raise UserError(
                f'{where}: methods.{name}.strategy: unknown strategy "{strategy}"{suggest(strategy, known)}'
            )
        if method["model"] == "dense" and not methods.kind(strategy).dense:
            others = " or ".join(other for other in methods.names() if methods.kind(other).dense)
            raise UserError(
                f'{where}: methods.{name}.strategy: "{strategy}" regrows links, which a dense model does not have; '
                f"use {others}"
            )


def _check_block(config: dict[str, Any], block: dict[str, Any], where: str) -> None:
    for kind in ("dataset", "method"):
        for name in block[f"{kind}s"]:
            if name not in config[f"{kind}s"]:
                raise UserError(f'{where}.{kind}s: unknown {kind} "{name}"{suggest(name, config[f"{kind}s"])}')
    for method in block["methods"]:
        model = config["methods"][method]["model"]
        if model == "reference":
            refused = sorted(set(block) - {*FIXED_KEYS, *ALL_DATA_KEYS})
            if refused:
                raise UserError(f'{where}: the reference "{method}" has no {refused[0]}; list it in its own block')
            continue
        given = [name for name in DENSITIES if name in block]
        if model == "sparse" and len(given) != 1:
            raise UserError(
                f'{where}: the sparse method "{method}" needs a list of epsilon, or of compression or links'
            )
        if model == "dense" and given:
            raise UserError(f'{where}: the dense method "{method}" has no {given[0]}; list it in its own block')
