"""A results folder described as an RO-Crate: every file with its kind, checksum and where it came from.

RO-Crate is a JSON-LD file beside the data (https://www.researchobject.org/ro-crate/), written by the library rocrate.
"""

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truly_sparse.analysis.inventory import write
from truly_sparse.analysis.study import Source
from truly_sparse.errors import UserError
from truly_sparse.experiments.config import results_folder
from truly_sparse.experiments.provenance import code_version
from truly_sparse.experiments.records import Record, distinct, gather, read, records_file
from truly_sparse.files import sha256

if TYPE_CHECKING:
    from rocrate.rocrate import ROCrate

LICENCE = "https://spdx.org/licenses/MIT"
VERSION = "1.3"
# What is described, in this order: patterns below the results folder, the kind of file, and what it holds.
KINDS = (
    ("records/*.jsonl", "application/jsonl", "Run records of an experiment, one JSON object per run"),
    ("records/*.npz", "application/zip", "Test probabilities of an experiment's runs, one array of bytes per run"),
    ("records/*.csv", "text/csv", "A measurement that is no training run"),
    ("records/*.json", "application/json", "How a measurement was made"),
    ("tables/*.csv", "text/csv", "A table in tidy form, published values beside measured ones"),
    ("figures/*.csv", "text/csv", "The numbers of a figure"),
    ("figures/*.png", "image/png", "A figure"),
    ("provenance/*.csv", "text/csv", "Where the results came from"),
)


def make(source: Source, config: dict[str, Any]) -> Path:
    """Write ro-crate-metadata.json for what is in the results folder of a study of `source`; return its path.

    Raises
    ------
    UserError
        Where the library is not installed, or there is nothing to describe.
    """
    try:
        from rocrate.rocrate import ROCrate
    except ImportError:
        raise UserError("the package rocrate is not installed; run `make crate`, or pip install rocrate") from None
    folder = results_folder(config)
    write(config)
    files = list(_files(folder))
    if not any("tables" in path.parts for path, _, _ in files):
        raise UserError(f"{folder} holds no table yet; make them first (`make paper`)")
    crate = ROCrate(version=VERSION)
    _describe(crate, source, config)
    for path, kind, text in files:
        name = path.relative_to(folder).as_posix()
        about = {"name": name, "description": text, "encodingFormat": kind, "contentSize": str(path.stat().st_size)}
        crate.add_file(path, name, properties=about | {"sha256": sha256(path), "license": {"@id": LICENCE}})
    made = crate.add_action(_workflow(crate), identifier="#workflow", result=list(crate.data_entities))
    made["name"] = f"Tables and figures of preset {config['preset']}"
    code = code_version()
    changed = ", with changes" if code["dirty"] else ""
    made["description"] = f"Made by truly-sparse {code['version']}, commit {code['commit']}{changed}"
    crate.root_dataset["mentions"] = made
    crate.metadata.write(folder)
    return folder / "ro-crate-metadata.json"


def _describe(crate: "ROCrate", source: Source, config: dict[str, Any]) -> None:
    """Say what the whole folder is; its date is that of the last run, so that the same results give the same file."""
    from rocrate.model.contextentity import ContextEntity

    found = distinct(record for experiment in config["experiments"] for record in _records(config, experiment))
    dates = sorted(str(record["finished"]) for record in found if record.get("finished"))
    crate.name = f"Truly sparse ensembles: results of preset {config['preset']}"
    crate.description = (
        f"{len(found)} training runs, with the tables and figures made of them, that re-measure {source.words}."
    )
    crate.datePublished = dates[-1] if dates else "1970-01-01T00:00:00+00:00"
    about = {"@type": "CreativeWork", "name": "MIT License", "description": "The MIT License", "identifier": LICENCE}
    crate.license = crate.add(ContextEntity(crate, LICENCE, properties=about))
    paper = ContextEntity(crate, source.address, properties={"@type": "ScholarlyArticle", "name": source.title})
    crate.root_dataset["citation"] = crate.add(paper)


def _records(config: dict[str, Any], experiment: str) -> list[Record]:
    """Return the committed records of an experiment, or else those of the runs here."""
    return read(records_file(config, experiment)) or gather(config, experiment)[0]


def _workflow(crate: "ROCrate") -> Any:
    """Say what ran the jobs."""
    from rocrate.model.softwareapplication import SoftwareApplication

    about = {"name": "Snakemake", "version": version("snakemake"), "url": "https://snakemake.github.io"}
    return crate.add(SoftwareApplication(crate, "#snakemake", properties=about))


def _files(folder: Path) -> Iterator[tuple[Path, str, str]]:
    for pattern, kind, text in KINDS:
        for path in sorted(folder.glob(pattern)):
            yield path, kind, text
