# Reproduces the paper: `snakemake --cores N`; in minutes: `snakemake --cores N --configfile config/quick.yaml`.
# Targets by name: data, every table (table1) and figure (accuracy), paper (the PDF), runs_<experiment>.
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.0")

try:
    from truly_sparse.analysis.catalogue import FIGURES, TABLES, offered
    from truly_sparse.analysis.texlive import INSTALL, lacking
    from truly_sparse.errors import UserError
    from truly_sparse.experiments import claims, finished
    from truly_sparse.experiments.plan import Plan
    from truly_sparse.experiments.provenance import source_hash
except ImportError as error:
    raise WorkflowError(
        f"{error}: run `make install`, then .venv/bin/snakemake (or `pip install -e .` for {sys.executable})"
    ) from None

# A configuration given with --configfile replaces the paper's; merging the two would mix their settings.
if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


try:
    if workflow.is_main_process and not workflow.output_settings.dryrun:
        claims.claim_folder()
    PLAN = Plan(config)
except UserError as error:
    raise WorkflowError(str(error)) from None

PYTHON = shlex.quote(sys.executable)
CONFIG = shlex.quote(PLAN.config_file)
# Ends every job's command; the end of the log is shown where it fails. The paths stay placeholders:
# a command whose text changes is run again.
LOGGED = " --config {CONFIG} > {log:q} 2>&1 || {{ tail -n 20 {log:q} >&2; exit 1; }}"
RESULTS, PAPER = PLAN.results, PLAN.paper
NO_LATEX = lacking()


def wanted(entry):
    return entry.runs_of(PLAN.config), entry.measurements_of(PLAN.config)


include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/analysis.smk"
include: "workflow/rules/paper.smk"
include: "workflow/rules/provenance.smk"


rule all:
    default_target: True
    input:
        ALL_TABLES,
        ALL_FIGURES,
        [] if NO_LATEX else PDF,


onsuccess:
    finished.forget(PLAN.config)
    if NO_LATEX:
        print(f"No PDF, because {NO_LATEX} is missing: `{INSTALL}`, then the same command again")
