"""A results folder described as an RO-Crate: every file with its kind and checksum, and every job that made something.

RO-Crate is a JSON-LD file beside the data (https://www.researchobject.org/ro-crate/), written by the library rocrate.
Ours is a Provenance Run Crate (https://w3id.org/ro/wfrun/provenance/0.5), the level of detail that has each job.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truly_sparse.analysis import crate_jobs
from truly_sparse.analysis.inventory import write
from truly_sparse.analysis.study import Source, Study
from truly_sparse.errors import UserError
from truly_sparse.experiments.configuration import results_folder
from truly_sparse.experiments.provenance import code_version
from truly_sparse.experiments.records import Record, distinct, gather, read, records_file
from truly_sparse.files import sha256
from truly_sparse.schema import checkout_file

if TYPE_CHECKING:
    from rocrate.rocrate import ROCrate

LICENCE = "https://spdx.org/licenses/MIT"
#: The version that the profile of runs builds on.
VERSION = "1.1"
WORKFLOW = Path("workflow/Snakefile")
#: The copy of the workflow, below the results folder.
COPY = Path("provenance") / WORKFLOW
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
    (COPY.as_posix(), "text/x-snakemake", "The workflow"),
    (COPY.with_name("rules").as_posix() + "/*.smk", "text/x-snakemake", "Rules of the workflow"),
)


def make(study: Study, config: dict[str, Any]) -> Path:
    """Write ro-crate-metadata.json for what is in the results folder of a study; return its path.

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
    _copy_workflow(folder)
    files = list(_files(folder))
    if not any("tables" in path.parts for path, _, _ in files):
        raise UserError(f"{folder} holds no table yet; make them first (`make paper`)")
    crate = ROCrate(version=VERSION)
    crate.metadata.extra_terms["sha256"] = "http://schema.org/sha256"  # not a term of that version
    records = {name: _records(config, name) for name in config["experiments"]}
    _describe(crate, study.source, config, distinct(record for found in records.values() for record in found))
    for path, kind, text in files:
        name = path.relative_to(folder).as_posix()
        about: dict[str, Any] = {"name": name, "description": text, "encodingFormat": kind}
        about |= {"contentSize": str(path.stat().st_size), "sha256": sha256(path), "license": {"@id": LICENCE}}
        if name == COPY.as_posix():
            crate.add_workflow(path, name, main=True, lang="snakemake", properties=about | {"@type": crate_jobs.TYPES})
        else:
            crate.add_file(path, name, properties=about)
    crate_jobs.add(crate, study, config, records)
    made = crate.get(crate_jobs.WHOLE)
    code = code_version()
    changed = ", with changes" if code["dirty"] else ""
    made["name"] = f"Tables and figures of preset {config['preset']}"
    made["description"] = f"Made by truly-sparse {code['version']}, commit {code['commit']}{changed}"
    crate.metadata.write(folder)
    return folder / "ro-crate-metadata.json"


def _copy_workflow(folder: Path) -> None:
    """Keep the workflow beside the results, of which it is then a part."""
    source, target = checkout_file(WORKFLOW).parent, (folder / COPY).parent
    for path in (source / WORKFLOW.name, *sorted((source / "rules").glob("*.smk"))):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def _describe(crate: "ROCrate", source: Source, config: dict[str, Any], found: list[Record]) -> None:
    """Say what the whole folder is; its date is that of the last run, so that the same results give the same file."""
    from rocrate.model.contextentity import ContextEntity

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


def _files(folder: Path) -> Iterator[tuple[Path, str, str]]:
    for pattern, kind, text in KINDS:
        for path in sorted(folder.glob(pattern)):
            yield path, kind, text
