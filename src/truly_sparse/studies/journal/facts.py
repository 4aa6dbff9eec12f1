"""What the text of the journal is given: macros, sentences, and the tables of settings and datasets."""

from collections.abc import Iterable

import pandas as pd

from truly_sparse.analysis import facts, places
from truly_sparse.analysis.evidence import Evidence, written
from truly_sparse.analysis.origin import origin_of
from truly_sparse.analysis.statements import macros, said
from truly_sparse.analysis.study import Config, Study
from truly_sparse.errors import UserError
from truly_sparse.experiments.configuration import results_folder
from truly_sparse.experiments.records import Record, by_settings, distinct, gather
from truly_sparse.files import write_text
from truly_sparse.studies.journal.findings.cost import FALLBACKS
from truly_sparse.studies.journal.findings.listed import STATEMENTS

#: The experiment whose settings and datasets the text describes, and what the captions call it.
MAIN, MAIN_TITLE = "table1", "Table 1"


def write(study: Study, config: Config) -> None:
    """Write preset.tex, facts.tex, said.tex, tables/settings.tex and tables/datasets.tex where the tables lie.

    Raises
    ------
    UserError
        Where no run has finished.
    """
    preset, records, absent = config["preset"], [], []
    for experiment in config["experiments"]:
        finished, missing = gather(config, experiment)
        records += finished
        absent += missing
    first = [record for record in records if record["experiment"] == MAIN]
    if not first:
        raise UserError(f"no finished run of {MAIN} in {results_folder(config)}; run `snakemake --cores 1` first")
    # Of runs with the same settings in several experiments one is counted.
    origin = origin_of(preset, distinct(records), [specs[0] for specs in by_settings(absent).values()])
    of_main = origin_of(preset, first, [spec for spec in absent if spec.experiment == MAIN])
    evidence = Evidence({**written(study, config).frames, FALLBACKS: _fallbacks(first)})
    folder = places.paper_folder(config)
    write_text(folder / "preset.tex", facts.preset_macros(origin))
    write_text(folder / "facts.tex", facts.fact_macros(origin, records, first))
    write_text(folder / "said.tex", macros(said(STATEMENTS, evidence)))
    write_text(folder / "tables" / "settings.tex", facts.settings_table(first, of_main, MAIN_TITLE))
    write_text(folder / "tables" / "datasets.tex", facts.datasets_table(first, of_main, MAIN_TITLE))


def _fallbacks(records: Iterable[Record]) -> pd.DataFrame:
    """Return which methods ran out of places that were not blocked: in how many runs, and with how many links."""
    rows = [(record["method"], record["blocked_fallbacks"]) for record in records if record.get("blocked_fallbacks")]
    frame = pd.DataFrame(rows, columns=["method", "links"])
    return frame.groupby("method", sort=False)["links"].agg(runs="count", links="sum").reset_index()
