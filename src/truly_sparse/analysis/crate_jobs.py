"""The jobs in an RO-Crate: the workflow with its steps and tools, and an action for every job that made something.

Names are those of the Provenance Run Crate: the run of a tool is a CreateAction, what the workflow did for it a
ControlAction, and the whole run of the workflow is what an OrganizeAction of Snakemake brought about.
"""

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from truly_sparse import __version__
from truly_sparse.analysis.study import Entry, Study
from truly_sparse.experiments.records import Record, path_of

if TYPE_CHECKING:
    from rocrate.model.entity import Entity
    from rocrate.rocrate import ROCrate

#: The run of the whole workflow.
WHOLE = "#workflow"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.5": "Provenance Run Crate",
}
#: What the file of the workflow is.
TYPES = ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"]
#: The commands of jobs, each a tool and a step, in the order of the workflow.
STEPS = {
    "run": "Train one run and write its record",
    "measure": "Measure what is no training run",
    "table": "Make one table from the records",
    "figure": "Make one figure from the records",
}
_ENDED = "http://schema.org/CompletedActionStatus"
_FAILED = "http://schema.org/FailedActionStatus"


def add(crate: "ROCrate", study: Study, config: dict[str, Any], records: dict[str, list[Record]]) -> None:
    """Add profiles, tools, steps and actions to a crate whose files and main workflow are there.

    Parameters
    ----------
    crate : ROCrate
        Files are named by their path below the results folder.
    study : Study
        Its tables and figures.
    config : dict
        Configuration.
    records : dict
        {experiment: its records}.
    """
    for address, name in PROFILES.items():
        profile = _put(crate, address, "CreativeWork", name=name, version="0.5")
        crate.root_dataset.append_to("conformsTo", profile)
    made = []
    for found in records.values():
        made += [_trained(crate, record) for record in found]
    made += [_measured(crate, name) for name in config["measurements"] if crate.get(f"records/{name}.csv")]
    for kind, entries in (("table", study.tables), ("figure", study.figures)):
        made += [_drawn(crate, config, kind, name, entry) for name, entry in entries.items()
                 if crate.get(f"{kind}s/{name}.csv")]  # fmt: skip
    used = [kind for kind in STEPS if any(action["instrument"].id == f"#{kind}" for action in made)]
    _describe_steps(crate, used)
    whole = crate.add_action(crate.mainEntity, identifier=WHOLE, result=_results(crate))
    controlled = []
    for action in made:
        kind = action["instrument"].id.removeprefix("#")
        name = f"Job: {action['name']}"
        properties = {"instrument": crate.get(f"#step/{kind}"), "object": action}
        controlled.append(_put(crate, f"#job/{action.id.removeprefix('#')}", "ControlAction", name=name, **properties))
    about = {"name": "Snakemake", "version": version("snakemake"), "url": "https://snakemake.github.io"}
    engine = _put(crate, "#snakemake", "SoftwareApplication", **about)
    properties = {"instrument": engine, "object": controlled, "result": whole}
    _put(crate, "#organised", "OrganizeAction", name=f"Snakemake {about['version']}", **properties)
    crate.root_dataset["mentions"] = [whole, *made]


def _put(crate: "ROCrate", identifier: str, kind: str, **properties: Any) -> "Entity":
    from rocrate.model.contextentity import ContextEntity

    return crate.add(ContextEntity(crate, identifier, properties={"@type": kind} | properties))


def _tool(crate: "ROCrate", kind: str) -> "Entity":
    about = {"softwareVersion": __version__, "description": f"{STEPS[kind]}."}
    return crate.get(f"#{kind}") or _put(crate, f"#{kind}", "SoftwareApplication", name=f"truly_sparse {kind}", **about)


def _action(crate: "ROCrate", kind: str, name: str, **properties: Any) -> "Entity":
    about = {"name": f"{kind} {name}", "instrument": _tool(crate, kind)}
    return _put(crate, f"#{kind}/{name}", "CreateAction", **about, **properties)


def _trained(crate: "ROCrate", record: Record) -> "Entity":
    """Add a run: its data, times and status; its record is one line of a file."""
    data, code, host = (record.get(key) or {} for key in ("data", "code", "host"))
    identifier = f"#data/{record['dataset']}/{data.get('sha256')}"
    table = crate.get(identifier) or _put(
        crate, identifier, "PropertyValue", name=record["dataset"], propertyID="sha256", value=str(data.get("sha256"))
    )
    properties: dict[str, Any] = {"object": table, "actionStatus": _ENDED if record["status"] == "ok" else _FAILED}
    if record["status"] != "ok":
        properties["error"] = f"{record['status']}: {record.get('failure')}"
    for key, name in (("started", "startTime"), ("finished", "endTime")):
        if record.get(key):
            properties[name] = str(record[key])
    file = crate.get(f"records/{record['experiment']}.jsonl")
    if file:
        properties["result"] = file
    words = f"commit {code.get('commit')}, settings {record['settings_hash']}, on {host.get('cpu')}"
    return _action(crate, "run", path_of(record), description=words, **properties)


def _measured(crate: "ROCrate", name: str) -> "Entity":
    about = crate.get(f"records/{name}.json")
    files = [crate.get(f"records/{name}.csv"), *([about] if about else [])]
    return _action(crate, "measure", name, result=files, actionStatus=_ENDED)


def _drawn(crate: "ROCrate", config: dict[str, Any], kind: str, name: str, entry: Entry) -> "Entity":
    """Add a table or figure: the records and measurements that it draws on, and its files."""
    names = [f"records/{one}.jsonl" for one in entry.runs_of(config)]
    names += [f"records/{one}.csv" for one in entry.measurements_of(config)]
    read = [file for file in map(crate.get, names) if file]
    written = [file for file in (crate.get(f"{kind}s/{name}.{ending}") for ending in ("csv", "png")) if file]
    return _action(crate, kind, name, result=written, actionStatus=_ENDED, **({"object": read} if read else {}))


def _describe_steps(crate: "ROCrate", kinds: list[str]) -> None:
    workflow = crate.mainEntity
    workflow["version"] = __version__
    workflow["hasPart"] = [_tool(crate, kind) for kind in kinds]
    workflow["step"] = [
        _put(crate, f"#step/{kind}", "HowToStep", name=STEPS[kind], workExample=_tool(crate, kind), position=str(place))
        for place, kind in enumerate(kinds)
    ]


def _results(crate: "ROCrate") -> list["Entity"]:
    return [file for file in crate.data_entities if not file.id.startswith("provenance/workflow/")]
