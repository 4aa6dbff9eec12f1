"""The PDF of a study: facts for its text, then latexmk on paper/<study>/main.tex where its tables and figures lie."""

import os
import re
import subprocess
from pathlib import Path

from truly_sparse.analysis import coverage, facts, places
from truly_sparse.analysis.study import Config
from truly_sparse.analysis.texlive import INSTALL, lacking
from truly_sparse.errors import UserError
from truly_sparse.studies.discovery import find, part

SECONDS = 300
_ERROR = re.compile(r"^(?:! .*|[^\s:]+\.\w+:\d+: .*)$", re.MULTILINE)


def document(config: Config) -> Path:
    """Return the path of the configuration's PDF."""
    return places.paper_folder(config) / "main.pdf"


def text(study: str) -> Path:
    """Return the path of a study's text."""
    return Path("paper") / study / "main.tex"


def sources(study: str) -> list[Path]:
    """Return the files of a study's PDF that are written by hand, with those of all studies; nothing without a text."""
    main = text(study)
    common = main.parents[1]
    return [main, common / "preamble.tex", *sorted(common.glob("*.bib"))] if main.is_file() else []


def how(config: Config) -> str:
    """Return in words what to do for a PDF; where LaTeX is missing, a line each for what to install and to call."""
    preset = config["preset"]
    if not text(config["study"]).exists():
        return f"{text(config['study'])} is not written yet"
    configuration = "" if places.is_paper(preset) else f" --configfile config/{preset}.yaml"
    make = f"`snakemake paper --cores 1{configuration}` makes {document(config)}"
    missing = lacking()
    if missing:
        return f"not made yet, {missing} is missing; on Debian or Ubuntu:\n  {INSTALL}\n  then {make}"
    return f"not made yet, {make}"


def build(config: Config) -> Path:
    """Write the generated facts and the table of runs, and build the PDF of a study beside them; return its path.

    Raises
    ------
    UserError
        Where LaTeX or a table or figure is missing, or LaTeX stops: names the first error and the log.
    """
    study = find(config["study"])
    folder, source = places.paper_folder(config), text(study.name)
    if not source.exists():
        raise UserError(f"{source} not found: run from the root of the repository")
    coverage.write(config, facts.write(study, config, part(study.name, "facts").TEXT))
    parts = {f"tables/{name}.tex": name for name in study.offered_tables(config)}
    parts |= {f"figures/{name}.pdf": name for name in study.offered_figures(config)}
    for file, name in parts.items():
        # Without training there may be nothing to make one from; the text leaves it out.
        if config["train"] and not (folder / file).exists():
            raise UserError(f"{folder / file} not found: `snakemake --cores 1 {name}` makes it")
    missing = lacking()
    if missing:
        install = f"on Debian or Ubuntu `{INSTALL}`"
        raise UserError(f"no PDF, because {missing} is missing: {install}; tables and figures are in {folder}")
    _latexmk(folder, source)
    return document(config)


def _latexmk(folder: Path, source: Path) -> None:
    # Lines of the log are not to be cut at 79 characters, or file names in errors are.
    common = f"{source.parents[1].resolve()}:"
    environment = os.environ | {"max_print_line": "1000", "BIBINPUTS": common, "TEXINPUTS": common}
    command = ["latexmk", "-norc", "-pdf", "-interaction=nonstopmode", "-halt-on-error", "-file-line-error"]
    # -g: after a failure latexmk would otherwise refuse to try again.
    relative = Path(os.path.relpath(source, folder)).as_posix()
    log = folder / "main.log"
    log.unlink(missing_ok=True)
    try:
        finished = subprocess.run(
            [*command, "-g", relative],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise UserError(f"LaTeX did not end in {SECONDS} seconds; log: {log}") from error
    if finished.returncode:
        said = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        found = _ERROR.search(said) or _ERROR.search(finished.stdout + finished.stderr)
        lines = (finished.stderr.strip() or finished.stdout.strip() or "latexmk failed").splitlines()
        raise UserError(f"LaTeX stopped: {found[0] if found else lines[-1]}; log: {log}")
