# What rules ask: the command of a job, the files it needs, and what its result depends on.


# A job whose command or parameters change is run again. Python and the file of the configuration do not count, as
# Snakemake leaves out what is derived from an output.
def python(wildcards, output):
    return sys.executable


def configuration(wildcards, output):
    return options(wildcards.place)


def options(*places):
    return [word for place in places for word in ("--config", f"results/{place}/config/{VERSION}.json")]


# The end of the log is shown where a job fails.
def job(command):
    logged = "> {log:q} 2>&1 || {{ tail -n 20 {log:q} >&2; exit 1; }}"
    return f"{{params.python:q}} -m truly_sparse {command} {{params.config:q}} {logged}"


# Runs and measurements.


def spec_of(wildcards):
    return PLANS[wildcards.place].runs[wildcards.run]


def dataset_table(wildcards):
    return checkpoints.dataset.get(dataset=spec_of(wildcards).dataset).output.table


def measured_tables(wildcards):
    plan = PLANS[wildcards.place]
    return [plan.dataset_file(dataset) for dataset in plan.measured_datasets(wildcards.name)]


# Tables and figures. What is committed is data: only what is not is an input.


def table_of(wildcards):
    return find(PLANS[wildcards.place].study).tables[wildcards.table]


def figure_of(wildcards):
    return find(PLANS[wildcards.place].study).figures[wildcards.figure]


def needs(place, *entries):
    plan = PLANS[place]
    files = [plan.needs(entry.runs_of(plan.config), entry.measurements_of(plan.config)) for entry in entries]
    return list(dict.fromkeys(file for some in files for file in some))


def committed(place, *entries):
    plan = PLANS[place]
    return [plan.committed_hash(entry.runs_of(plan.config), entry.measurements_of(plan.config)) for entry in entries]


def printed(place):
    return sorted(map(str, Path("config/published").glob(f"{PLANS[place].study}_*.csv")))


def published(wildcards):
    return printed(wildcards.place)


def made_by(wildcards):
    return source_hash("study", PLANS[wildcards.place].study)


def shown(place, offered):
    plan = PLANS[place]
    return [name for name, entry in offered.items() if plan.exists(entry.experiments, entry.measurements)]


# The tables and figures of each place, by name; in some places one step makes them all.
TABLES = {place: shown(place, find(plan.study).offered_tables(plan.config)) for place, plan in PLANS.items()}
FIGURES = {place: shown(place, find(plan.study).offered_figures(plan.config)) for place, plan in PLANS.items()}
ONE_STEP = [place for place, plan in PLANS.items() if plan.config["one_step"]]
ONE_BY_ONE = "|".join(place for place in PLANS if place not in ONE_STEP) or "-"


def table_files(place, name):
    return [f"results/{place}/tables/{name}.csv", f"paper/{place}/tables/{name}.tex"]


def figure_files(place, name):
    return [f"paper/{place}/figures/{name}.pdf", f"results/{place}/figures/{name}.csv"]


def all_tables(place):
    return [file for name in TABLES[place] for file in table_files(place, name)]


def all_figures(place):
    return [file for name in FIGURES[place] for file in figure_files(place, name)]


# How they are shown in the report.


def reported_table(csv, table):
    return report(csv, caption="../report/table.rst", category="Tables", labels={"table": table})


def reported_figure(png, figure):
    return report(png, caption="../report/figure.rst", category="Figures", labels={"figure": figure})


# The PDF of every study that has a text: written by hand, around generated tables and figures.
NO_LATEX = lacking()
PDFS = {place: f"paper/{place}/main.pdf" for place, plan in PLANS.items() if sources(plan.study)}


def everything(place):
    return [*all_tables(place), *all_figures(place), *([PDFS[place]] if place in PDFS and not NO_LATEX else [])]
