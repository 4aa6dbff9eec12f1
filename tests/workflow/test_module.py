"""The workflow inside another one, as a module, and what the Snakemake workflow catalog asks of a repository."""

import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import yaml
from sklearn.datasets import load_iris

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/workflow.md").read_text(encoding="utf-8")
#: What `snakedeploy deploy-workflow` writes.
DEPLOYED = """
from snakemake.utils import min_version


min_version("6.10.0")


configfile: "config/config.yaml"


module truly_sparse:
    snakefile:
        "{snakefile}"
    config:
        config


use rule * from truly_sparse
"""


def snakemake(folder, *arguments):
    """Run Snakemake with the package of this checkout, elsewhere; return what it said."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def jobs(said):
    """Return how many jobs of each rule a dry run plans."""
    return Counter({rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", said, re.MULTILINE)})


def deployed(folder):
    """Do what snakedeploy does."""
    shutil.copytree(ROOT / "config", folder / "config")
    (folder / "workflow").mkdir()
    (folder / "workflow/Snakefile").write_text(DEPLOYED.format(snakefile=ROOT / "workflow/Snakefile"))


def test_another_workflow_goes_on_from_a_table(tmp_path):
    for name, text in re.findall(r"^```\w+\n# (\S+)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text.replace("/path/to/truly-sparse", str(ROOT)), encoding="utf-8")
    load_iris(as_frame=True).frame.rename(columns={"target": "species"}).to_csv(tmp_path / "trees.csv", index=False)
    (line,) = re.findall(r"^/path/to/truly-sparse/.venv/bin/snakemake (.*)$", PAGE, re.MULTILINE)
    said = snakemake(tmp_path, *shlex.split(line))
    assert jobs(said) == {"sparse_dataset": 1, "sparse_train": 2, "sparse_table": 1, "accuracies": 1, "total": 5}
    assert "not present in the Snakefile" not in said
    table = pd.read_csv(tmp_path / "accuracies.csv")
    assert list(table["method"]) == ["rd_tse", "fd_tse"]
    assert (table["value"] > 60).all()
    assert "Nothing to be done" in snakemake(tmp_path, *shlex.split(line))


def test_a_deployed_workflow_plans_what_a_clone_does(tmp_path):
    deployed(tmp_path)
    dry = ("--dry-run", "--quiet", "rules", "--forceall", "spas")
    here, there = (
        jobs(snakemake(*call)) for call in ((tmp_path, *dry), (ROOT, *dry, "--configfile", "config/quick.yaml"))
    )
    assert here["train"] > 2
    for name in ("pdf", "total"):  # texts are the clone's
        here.pop(name, None), there.pop(name, None)
    assert here == there


def test_a_deployed_workflow_makes_a_dataset(tmp_path):
    deployed(tmp_path)
    snakemake(tmp_path, "data/wine.parquet")
    assert len(pd.read_parquet(tmp_path / "data/wine.parquet")) == 178


def test_both_snakefiles_are_the_same_workflow(checkout):
    small = ("--configfile", "config/small.yaml")
    inner = checkout.plan(*small, "--snakefile", "workflow/Snakefile")
    assert inner.pop("all") == 1
    assert inner["train"] == 6
    assert checkout.plan(*small) == inner | {"default": 1}


def test_python_and_the_name_of_a_configuration_run_nothing_again(finished):
    """They are parameters of every job, and differ between machines and settings."""
    target = finished.folder / "workflow/rules/common.smk"
    target.write_text(target.read_text().replace("return sys.executable", 'return sys.executable + "3"'))
    small = ("--configfile", "config/small.yaml")
    assert "Nothing to be done" in finished.snakemake(*small, "--config", "reuse_records=false")


def test_lint_finds_what_the_page_says_and_no_more():
    called = [sys.executable, "-m", "snakemake", "--configfile", "config/quick.yaml", "--lint"]
    said = subprocess.run(called, cwd=ROOT, capture_output=True, text=True, timeout=120).stderr
    found = set(re.findall(r"^    \* (.*)$", said, re.MULTILINE))
    assert found == {"Specify a conda environment or container for each rule.:"}, said
    assert "names no conda environment or container" in PAGE


@pytest.mark.parametrize("name", ["workflow/Snakefile", "config/README.md", "workflow/rules/train.smk"])
def test_the_catalog_finds_what_it_asks_for(name):
    assert (ROOT / name).is_file()
    readme = (ROOT / "README.md").read_text(encoding="utf-8").lower()
    assert "snakemake" in readme
    assert "workflow" in readme
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(usage) <= {"mandatory-flags", "software-stack-deployment", "report"}
    assert set(usage["software-stack-deployment"]) == {"conda", "apptainer", "apptainer+conda"}


def test_every_configuration_is_described():
    text = (ROOT / "config/README.md").read_text(encoding="utf-8")
    for file in (ROOT / "config").iterdir():
        assert f"`{file.name}{'/' if file.is_dir() else ''}`" in text or file.name == "README.md", file.name
