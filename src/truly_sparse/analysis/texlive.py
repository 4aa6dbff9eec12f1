"""What a PDF needs from LaTeX, and whether this machine has it. Imports nothing heavy, so that a workflow may ask."""

import shutil
import subprocess

PROGRAMS = ("latexmk", "pdflatex", "bibtex", "kpsewhich")
STYLES = ("amsmath", "booktabs", "geometry", "hyperref", "lmodern", "longtable", "microtype", "natbib", "xcolor")
#: On Debian and Ubuntu.
INSTALL = "apt-get install latexmk texlive-latex-recommended texlive-latex-extra texlive-science lmodern"


def lacking() -> str:
    """Return the name of a program or style file that a text needs and this machine lacks; empty for none."""
    for program in PROGRAMS:
        if shutil.which(program) is None:
            return program
    files = [f"{style}.sty" for style in STYLES]
    try:
        finished = subprocess.run(["kpsewhich", *files], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return "kpsewhich"
    return next((file for file in files if f"/{file}" not in finished.stdout), "")
