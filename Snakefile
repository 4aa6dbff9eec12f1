# Reproduces every study: `snakemake --cores N`; in minutes: `snakemake --cores N --configfile config/quick.yaml`.
# Targets by name: a study (journal), data, every table (table1) and figure (accuracy), paper (the PDFs), runs_<experiment>.
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.0")

try:
    from truly_sparse.analysis.texlive import INSTALL, lacking
    from truly_sparse.errors import UserError
    from truly_sparse.experiments import jobs
    from truly_sparse.experiments.plan import Plans
    from truly_sparse.experiments.provenance import source_hash
    from truly_sparse.studies.discovery import find
    from truly_sparse.studies.pdf import sources
except ImportError as error:
    raise WorkflowError(
        f"{error}: run `make install`, then .venv/bin/snakemake (or `pip install -e .` for {sys.executable})"
    ) from None

try:
    if workflow.is_main_process and not workflow.output_settings.dryrun:
        jobs.claim_folder()
    PLANS = Plans(config)
    VERSION = PLANS.write()
    if workflow.is_main_process:
        for line in PLANS.told():
            print(line, file=sys.stderr)
except UserError as error:
    raise WorkflowError(str(error)) from None

PYTHON = shlex.quote(sys.executable)
CONFIG = " --config results/{wildcards.place}/config/{VERSION}.json"
# Ends every job's command; the end of the log is shown where it fails. The version stays a placeholder: a command whose
# text changes is run again.
LOGGED = " > {log:q} 2>&1 || {{ tail -n 20 {log:q} >&2; exit 1; }}"
NO_LATEX = lacking()


# Where the results of a study lie below results/ and paper/.
wildcard_constraints:
    place="|".join(PLANS),


include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/analysis.smk"
include: "workflow/rules/paper.smk"
include: "workflow/rules/provenance.smk"


rule all:
    default_target: True
    input:
        [everything(place) for place in PLANS],


onsuccess:
    jobs.end_workflow(plan.config for plan in PLANS.values())
    if NO_LATEX:
        print(f"No PDF, because {NO_LATEX} is missing: `{INSTALL}`, then the same command again")
