"""The PDF of a preset: facts for the text, then latexmk on paper/main.tex inside paper/<preset>/."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

from truly_sparse.analysis import facts, names
from truly_sparse.analysis.catalogue import FIGURES, TABLES, offered
from truly_sparse.analysis.texlive import INSTALL, lacking
from truly_sparse.errors import UserError

SOURCE = Path("paper") / "main.tex"
SECONDS = 300
_ERROR = re.compile(r"^(?:! .*|[^\s:]+\.\w+:\d+: .*)$", re.MULTILINE)


def document(preset: str) -> Path:
    """Return the path of the preset's PDF."""
    return names.paper_folder(preset) / "main.pdf"


def how(preset: str) -> str:
    """Return in words what to do for a PDF; where LaTeX is missing, a line each for what to install and to call."""
    configuration = "" if names.is_paper(preset) else f" --configfile config/{preset}.yaml"
    make = f"`snakemake paper --cores 1{configuration}` makes {document(preset)}"
    missing = lacking()
    return f"{missing} is missing; on Debian or Ubuntu:\n  {INSTALL}\n  then {make}" if missing else make


def build(config: dict[str, Any]) -> Path:
    """Write the generated facts and build paper/<preset>/main.pdf; return its path.

    Raises
    ------
    UserError
        Where LaTeX or a table or figure is missing, or LaTeX stops: names the first error and the log.
    """
    preset = config["preset"]
    folder = names.paper_folder(preset)
    if not SOURCE.exists():
        raise UserError(f"{SOURCE} not found: run from the root of the repository")
    facts.write(config)
    parts = {f"tables/{name}.tex": name for name in offered(TABLES, config)}
    parts |= {f"figures/{name}.pdf": name for name in offered(FIGURES, config)}
    for part, name in parts.items():
        # Without training there may be nothing to make one from; the text leaves it out.
        if config["train"] and not (folder / part).exists():
            raise UserError(f"{folder / part} not found: `snakemake --cores 1 {name}` makes it")
    missing = lacking()
    if missing:
        install = f"on Debian or Ubuntu `{INSTALL}`"
        raise UserError(f"no PDF, because {missing} is missing: {install}; tables and figures are in {folder}")
    _latexmk(folder)
    return document(preset)


def _latexmk(folder: Path) -> None:
    # Lines of the log are not to be cut at 79 characters, or file names in errors are.
    environment = os.environ | {"max_print_line": "1000"}
    command = ["latexmk", "-norc", "-pdf", "-interaction=nonstopmode", "-halt-on-error", "-file-line-error"]
    # -g: after a failure latexmk would otherwise refuse to try again.
    source = Path(os.path.relpath(SOURCE, folder)).as_posix()
    log = folder / "main.log"
    log.unlink(missing_ok=True)
    try:
        finished = subprocess.run(
            [*command, "-g", source],
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
