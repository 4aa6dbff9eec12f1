"""Facts for the text of the paper, as LaTeX macros and small tables: nothing there is typed by hand."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from truly_sparse.analysis import formats, places
from truly_sparse.analysis.evidence import Evidence, written
from truly_sparse.analysis.latex import Column, booktabs, escape, sentence
from truly_sparse.analysis.names import METHODS, dataset_title, method_title
from truly_sparse.analysis.origin import Origin, join, origin_of
from truly_sparse.analysis.places import banner, is_paper
from truly_sparse.analysis.runs import class_count
from truly_sparse.analysis.statements import Statement, macros, said
from truly_sparse.analysis.study import Config, Study
from truly_sparse.errors import UserError
from truly_sparse.experiments.configuration import results_folder
from truly_sparse.experiments.grid import RunSpec
from truly_sparse.experiments.records import Record, by_settings, distinct, gather
from truly_sparse.files import write_text

# Grid axes, which every table shows per row.
_AXES = ("epsilon", "compression", "links", "distance_factor")
# What means nothing to a dense model, although every run has a value for it.
_SPARSE_ONLY = {"exploration_epochs", "evolution_every", "refinement"}
_SYMBOLS = {
    "hidden_layer_sizes": "hidden layers",
    "learning_rate": "η",
    "decay_times_learning_rate": "decay times η",
    "prune_fraction": "ζ",
    "restart_prune_fraction": "q",
    "negative_slope": "α",
    "evolution_every": "epochs per SET step",
}


Frames = Callable[[list[Record]], Mapping[str, pd.DataFrame]]
#: Finished runs and missing ones by experiment.
Gathered = Mapping[str, tuple[list[Record], list[RunSpec]]]


class Text(NamedTuple):
    """What a study's text is made of.

    Attributes
    ----------
    mains : mapping of str to str
        Experiments, and what captions call them; the text describes settings and datasets of the first that has
        a finished run.
    statements : sequence of Statement
        All that the text says.
    frames : callable
        Returns, from the finished runs of that experiment, frames of evidence beside the written ones.
    """

    mains: Mapping[str, str]
    statements: Sequence[Statement]
    frames: Frames = lambda _: {}


def write(study: Study, config: Config, text: Text) -> Gathered:
    """Write preset.tex, facts.tex, said.tex and the tables of settings and datasets; return the runs they speak of.

    Raises
    ------
    UserError
        Where no run of the text's `mains` has finished.
    """
    mains = text.mains
    gathered = {experiment: gather(config, experiment) for experiment in config["experiments"]}
    records, absent = every(gathered)
    main = next((name for name in mains if any(record["experiment"] == name for record in records)), None)
    if main is None:
        wanted = ", ".join(mains)
        raise UserError(f"no finished run of {wanted} in {results_folder(config)}; run `snakemake --cores 1` first")
    first = [record for record in records if record["experiment"] == main]
    origin = origin_of_all(config["preset"], gathered)
    of_main = origin_of(config["preset"], first, [spec for spec in absent if spec.experiment == main])
    evidence = Evidence({**written(study, config).frames, **text.frames(first)})
    folder = places.paper_folder(config)
    write_text(folder / "preset.tex", preset_macros(origin))
    write_text(folder / "facts.tex", fact_macros(origin, records, first))
    write_text(folder / "said.tex", macros(said(text.statements, evidence)))
    write_text(folder / "tables" / "settings.tex", settings_table(first, of_main, mains[main]))
    write_text(folder / "tables" / "datasets.tex", datasets_table(first, of_main, mains[main]))
    return gathered


def every(gathered: Gathered) -> tuple[list[Record], list[RunSpec]]:
    """Return the finished runs and the others of all experiments together."""
    records = [record for finished, _ in gathered.values() for record in finished]
    return records, [spec for _, missing in gathered.values() for spec in missing]


def origin_of_all(preset: str, gathered: Gathered) -> Origin:
    """Return where all experiments come from; of runs with the same settings in several of them one is counted."""
    records, absent = every(gathered)
    return origin_of(preset, distinct(records), [specs[0] for specs in by_settings(absent).values()])


def macro(name: str, text: str) -> str:
    """Return a LaTeX definition of `\\name` that prints `text`."""
    return rf"\newcommand{{\{name}}}{{{escape(text)}}}" + "\n"


def preset_macros(origin: Origin) -> str:
    """Return the macros of preset.tex: \\Preset, \\Commit, \\Seeds, \\PresetWarning and the switch \\ifisquick."""
    switch = "false" if is_paper(origin.preset) else "true"
    return (
        "% generated, do not edit\n\\newif\\ifisquick\\isquick"
        + f"{switch}\n"
        + macro("Preset", origin.preset)
        + macro("PresetWarning", sentence(banner(origin.preset)))
        + macro("Commit", origin.commits)
        + macro("Seeds", origin.seeds)
    )


def fact_macros(origin: Origin, records: list[Record], first: list[Record]) -> str:
    """Return the macros of facts.tex: counts of runs, the machine, and the settings that all of the `first` share."""
    facts = {
        "RunCount": str(origin.runs),
        "DivergedCount": str(origin.diverged),
        "AbsentCount": str(origin.absent),
        "PinnedCount": str(origin.pinned),
        "CpuPerWall": f"{origin.cpu_per_wall:.2f}",
        "CpuModel": origin.cpu,
        "Blas": origin.blas,
        "Versions": origin.versions,
        "CpuHours": f"{origin.cpu_hours:.2f}",
        "Convention": origin.convention,
        "DatasetNames": join(dataset_title(name) for name in sorted({record["dataset"] for record in records})),
        "MethodNames": join(method_title(name) for name in _by_method(records)),
        "CommonSettings": "; ".join(f"{_title(key)} {value}" for key, value in _sorted_settings(first)[0].items()),
    }
    return "% generated, do not edit\n" + "".join(macro(name, text) for name, text in facts.items())


#: The first columns of the table of settings, and with how many others they still have room for one line.
_HEADS = (("method", "Method"), ("strategy", "strategy"))
_MOST_BESIDE_LINES = 7


def settings_table(records: list[Record], origin: Origin, what: str) -> str:
    """Return the table of settings in which the methods of `what` differ; the others are in \\CommonSettings."""
    _, by_method, _ = _sorted_settings(records)
    widths = ("p{29mm}", "p{19mm}") if len(by_method) > _MOST_BESIDE_LINES else ("l", "l")
    columns = [Column(*head, align=width) for head, width in zip(_HEADS, widths, strict=True)]
    columns += [Column(key, _title(key).replace(" ", "\n")) for key in by_method]
    rows = []
    for method, found in _by_method(records).items():
        cells = {key: join(_value(record, key) for record in found) for key in by_method}
        if found[0]["settings"]["model"] == "dense":
            cells |= dict.fromkeys(_SPARSE_ONLY & cells.keys(), formats.NOTHING)
        strategy = found[0]["settings"]["strategy"].replace("_", " ")
        rows.append({"method": method_title(method), "strategy": strategy, **cells})
    return booktabs(
        pd.DataFrame(rows),
        columns,
        caption=f"Settings in which the methods of {what} differ. {origin.stamp()}",
        label="settings",
        number="S1",
        banner=banner(origin.preset),
        notes=[origin.line()],
    )


def datasets_table(records: list[Record], origin: Origin, what: str) -> str:
    """Return the table of the datasets of `what`: sizes, split, scaling, settings that differ between datasets only."""
    _, _, by_dataset = _sorted_settings(records)
    keys = {"rows": "rows", "features": "features", "train_rows": "training", "validation_rows": "validation"}
    columns = [Column("dataset", "Dataset", align="l")]
    columns += [Column(key, header) for key, header in {**keys, "test_rows": "test", "classes": "classes"}.items()]
    columns += [Column(key, key, align="l") for key in ("split", "scaling")]
    columns += [Column(key, _title(key)) for key in by_dataset]
    columns.append(Column("sha256", "SHA-256", align="l"))
    rows = []
    for dataset in sorted({record["dataset"] for record in records}):
        found = [record for record in records if record["dataset"] == dataset]
        data = [record["data"] for record in found]
        cells = {key: join(f"{block[key]:,}" for block in data) for key in (*keys, "test_rows")}
        cells |= {"classes": join(map(class_count, data)), "sha256": join(block["sha256"][:12] for block in data)}
        for key in ("split", "scaling"):
            cells[key] = join(record["settings"]["data"][key].replace("_", " ") for record in found)
        for key in by_dataset:
            cells[key] = join(_value(record, key) for record in found)
        rows.append({"dataset": dataset_title(dataset), **cells})
    sources = [f"{row['dataset']}: {_source(records, row['dataset'])}." for row in rows]
    return booktabs(
        pd.DataFrame(rows),
        columns,
        caption=f"Datasets of {what}: rows in all and in each part, first digits of the prepared table's checksum. "
        f"{origin.stamp()}",
        label="datasets",
        number="S2",
        banner=banner(origin.preset),
        notes=[*sources, origin.line()],
    )


def _source(records: Iterable[Record], title: str) -> str:
    found = [record["data"] for record in records if dataset_title(record["dataset"]) == title]
    partial = join(data.get("partial") for data in found)
    source = f"source {join(data.get('source') for data in found)}"
    return source if partial == "unknown" else f"{source} ({partial})"


def _by_method(records: Iterable[Record]) -> dict[str, list[Record]]:
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record["method"], []).append(record)
    known = list(METHODS)
    return dict(sorted(groups.items(), key=lambda item: known.index(item[0]) if item[0] in known else len(known)))


def _sorted_settings(records: list[Record]) -> tuple[dict[str, str], list[str], list[str]]:
    """Return (settings all runs share, keys that differ by method, keys that differ by dataset only)."""
    common, by_method, by_dataset = {}, [], []
    for key in dict.fromkeys(key for record in records for key in record["settings"]["training"]):
        if key in _AXES:
            continue
        values = {_value(record, key) for record in records}
        if len(values) == 1:
            common[key] = values.pop()
        elif all(len(group) == 1 for group in _values(records, key, "dataset").values()):
            by_dataset.append(key)
        else:
            by_method.append(key)
    return common, by_method, by_dataset


def _values(records: Iterable[Record], key: str, by: str) -> dict[str, set[str]]:
    groups: dict[str, set[str]] = {}
    for record in records:
        groups.setdefault(record[by], set()).add(_value(record, key))
    return groups


def _value(record: Record, key: str) -> str:
    """Return a setting as it is read; a dash where it is the default of one that came later, and not recorded."""
    training = record["settings"]["training"]
    return formats.setting(training[key]) if key in training else formats.NOTHING


def _title(key: str) -> str:
    return _SYMBOLS.get(key, key.replace("_", " "))
