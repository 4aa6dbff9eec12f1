"""Every code block of the documentation runs as it stands; what it prints of measurements is what was measured."""

import importlib.util
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
PAGES = sorted(page.name for page in DOCS.glob("*.md"))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"# (\S+\.(?:py|yaml|csv))\n")
EXTEND = "extend.md"
#: Reads what is committed.
SCORES = "scores.md"
#: What fits on a page of the site.
COLUMNS = 100


def blocks(page):
    """Return (language, text) of a page's code blocks."""
    return BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))


def run(command, folder, **more):
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=400, check=False, **more)
    assert finished.returncode == 0, f"{command}\n{finished.stdout[-3000:]}\n{finished.stderr[-3000:]}"
    return finished.stdout


def shell(text, folder, environment=None):
    """Yield what each line prints; the package's own command and python are those of this environment."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:2] == ["pip", "install"]:
            continue  # tests/packaging/fresh.py installs
        if words[0] == "eval":
            if importlib.util.find_spec("argcomplete"):
                scripts = Path(sys.executable).parent
                yield run(["bash", "-c", f'PATH="{scripts}:$PATH"; {line} && complete -p truly-sparse'], folder)
            continue
        assert words[0] in ("truly-sparse", "python", "snakemake"), line
        module = {"truly-sparse": ["-m", "truly_sparse"], "snakemake": ["-m", "snakemake"], "python": []}[words[0]]
        yield run([sys.executable, *module, *words[1:]], folder, env=environment)


@pytest.fixture
def iris(tmp_path):
    data = load_iris(as_frame=True)
    frame = data.frame.rename(columns={"target": "species"}).assign(species=data.target_names[data.target])
    frame.to_csv(tmp_path / "iris.csv", index=False)
    return frame


@pytest.mark.parametrize("page", PAGES)
def test_code_fits_the_page(page):
    for _, text in blocks(page):
        assert not [line for line in text.splitlines() if len(line) > COLUMNS]


def test_pages_show_every_section_of_the_benchmark_once():
    report = (ROOT / "benchmarks/results/bench.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## (.+)$", report, re.MULTILINE)
    assert {"Machines", "Fits", "Tables larger than memory"} <= set(sections)
    following = dict(zip(sections, [*sections[1:], ""], strict=True))
    included = r'^```\{include\} \S+/results/bench\.md\n:start-after: "## (.+)"\n(?::end-before: "## (.+)"\n)?```'
    texts = [(DOCS / page).read_text(encoding="utf-8") for page in PAGES]
    shown = [found for text in texts for found in re.findall(included, text, re.MULTILINE)]
    assert sorted(shown) == sorted(following.items())


@pytest.mark.usefixtures("iris")
@pytest.mark.parametrize(
    "page",
    # What cluster.md shows needs a scheduler; tests/slurm runs it. What workflow.md shows, tests/workflow runs.
    [page for page in PAGES if page not in (EXTEND, "cluster.md", "workflow.md")],
)
def test_code_of_a_page_runs(page, tmp_path):
    assert {language for language, _ in blocks(page)} <= {"python", "sh"}
    if page == SCORES:
        (tmp_path / "results").symlink_to(ROOT / "results")
    code = "\n".join(text for language, text in blocks(page) if language == "python")
    run([sys.executable, "-W", "error::UserWarning", "-c", code], tmp_path)
    for language, text in blocks(page):
        if language == "sh":
            list(shell(text, tmp_path))


def test_a_strategy_a_method_a_baseline_a_dataset_and_a_study_are_what_the_page_says(iris, tmp_path):
    for part in ("src", "config", "workflow", "Snakefile", "profiles", "tests", "envs", "pyproject.toml", "paper"):
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path / part)
    iris.to_csv(tmp_path / "trees.csv", index=False)
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
            (tmp_path / file[1]).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file[1]).write_text(text[file.end() :], encoding="utf-8")
            assert len(text.splitlines()) < 30
        elif language == "python":
            said.append(run([sys.executable, "-c", text], tmp_path, env=environment))
        else:
            said += shell(text, tmp_path, environment)
    assert re.search(r"[1-9]\d* passed|\.\.\.", said[0]), said[0]
    assert said[2] == "[0, 0, 1, 2] 2\n"  # the parent's stage, then those of two members
    *_, table, held, _, verdicts = said
    assert re.search(r"even.out", table, re.IGNORECASE), table
    assert re.search(r"branches", table, re.IGNORECASE), table
    assert re.search(r"nearest.neighbours", table, re.IGNORECASE), table
    figure = (tmp_path / "results/mine/journal/figures/accuracy.csv").read_text(encoding="utf-8")
    assert "even_out" in figure
    assert re.search(r"[1-9]\d* passed|\.\.", held), held
    assert re.search(r"lead/wine +\+1\.0 +\S+ +(not )?confirmed", verdicts), verdicts
    assert (tmp_path / "results/forests/tables/forests_table1.csv").exists()


def test_pages_type_no_measurement():
    """Numbers with a unit of speed, or per cents, come from included files and pictures, or from code that runs.

    The page on the defaults is held to the study's CSV by tests/test_defaults.py.
    """
    for page in (page for page in PAGES if page != "defaults.md"):
        prose = BLOCK.sub("", (DOCS / page).read_text(encoding="utf-8"))
        assert not re.findall(r"\d(?: ?%| s\b| ms\b| GFLOP| times\b)", prose), page
