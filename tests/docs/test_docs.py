"""Every code block of the documentation runs as it stands, and the site builds without a warning."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sklearn.datasets import load_iris

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"# (\S+\.(?:py|yaml))\n")
EXTEND = "extend.md"


def blocks(page):
    """Return (language, text) of a page's code blocks."""
    return BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))


def run(command, folder, **more):
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=400, check=False, **more)
    assert finished.returncode == 0, f"{command}\n{finished.stdout[-3000:]}\n{finished.stderr[-3000:]}"
    return finished.stdout


def shell(text, folder, environment=None):
    """Run the lines of a block; the package's own command and python are those of this environment."""
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        if words and words[0] == "truly-sparse":
            words = [sys.executable, "-m", "truly_sparse", *words[1:]]
        elif words[0] in ("python", "snakemake"):
            words = [sys.executable, *(["-m", "snakemake"] if words[0] == "snakemake" else []), *words[1:]]
        else:
            assert words[:2] == ["pip", "install"], line  # installing is what test_packaging does
            continue
        yield run(words, folder, env=environment)


@pytest.mark.parametrize("page", sorted(page.name for page in DOCS.glob("*.md") if page.name != EXTEND))
def test_code_of_a_page_runs(page, tmp_path):
    data = load_iris(as_frame=True)
    data.frame.rename(columns={"target": "species"}).assign(species=data.target_names[data.target]).to_csv(
        tmp_path / "iris.csv", index=False
    )
    code = "\n".join(text for language, text in blocks(page) if language == "python")
    run([sys.executable, "-W", "error::UserWarning", "-c", code], tmp_path)
    for language, text in blocks(page):
        if language == "sh":
            list(shell(text, tmp_path))
    assert {language for language, _ in blocks(page)} <= {"python", "sh"}


def test_a_strategy_a_baseline_and_a_dataset_are_what_the_page_says(tmp_path):
    for part in ("src", "config", "workflow", "Snakefile", "profiles", "tests", "envs", "pyproject.toml", "paper"):
        source = ROOT / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / part, **({"ignore": shutil.ignore_patterns("__pycache__")} if source.is_dir() else {}))
    data = load_iris(as_frame=True)
    data.frame.rename(columns={"target": "species"}).to_csv(tmp_path / "trees.csv", index=False)
    environment = {
        "PYTHONPATH": str(tmp_path / "src"),
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "MPLBACKEND": "agg",
    }
    said = []
    for language, text in blocks(EXTEND):
        file = FILE.match(text)
        if file:
            (tmp_path / file[1]).write_text(text[file.end() :])
            assert len(text.splitlines()) < 30
        elif language == "python":
            said.append(run([sys.executable, "-c", text], tmp_path, env=environment))
        else:
            said += shell(text, tmp_path, environment)
    assert re.search(r"[1-9]\d* passed|\.\.\.", said[0])
    table = said[-1]
    assert len(re.findall(r"even.out", table, re.IGNORECASE)) >= 1, table
    assert re.search(r"nearest.neighbours", table, re.IGNORECASE), table


def test_the_site_builds_without_a_warning_and_every_link_leads_somewhere(tmp_path):
    pytest.importorskip("sphinx_gallery", reason="the documentation's tools are not installed (extra: docs)")
    pytest.importorskip("myst_parser", reason="the documentation's tools are not installed (extra: docs)")
    shutil.copytree(DOCS, tmp_path / "docs", ignore=shutil.ignore_patterns("_build", "examples"))
    site = tmp_path / "site"
    run([sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", "docs", str(site)], tmp_path)
    pages = {page.relative_to(site).as_posix(): page.read_text(encoding="utf-8") for page in site.rglob("*.html")}
    assert {"index.html", "api.html", "faq.html", "examples/plot_1_inside.html", "examples/plot_2_density.html"} <= set(
        pages
    )
    for name, text in pages.items():
        for target in re.findall(r'(?:href|src)="([^"]+)"', text):
            if re.match(r"\w+:", target):
                continue
            path, _, anchor = target.partition("#")
            whole = (site / name).parent / path if path else site / name
            assert whole.exists(), f"{name} links to {target}"
            if anchor and whole.suffix == ".html":
                assert f'id="{anchor}"' in whole.read_text(encoding="utf-8"), f"{name} links to {target}"
