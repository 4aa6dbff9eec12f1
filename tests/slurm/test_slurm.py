"""The quick preset on a real Slurm through both profiles; jobs are killed, cancelled, fail, and the node goes."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def load(file):
    """Return a script beside the tests as a module."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


cluster = load(ROOT / "tests/slurm/cluster.py")
soak = load(ROOT / "tests/faults/soak.py")
PLUGINS = ["snakemake_executor_plugin_slurm", "snakemake_executor_plugin_cluster_generic"]
MISSING = [name for name in PLUGINS if find_spec(name) is None]
REASON = cluster.lacking() or (f"{', '.join(MISSING)} not installed (make cluster)" if MISSING else "")
pytestmark = [pytest.mark.slurm, pytest.mark.skipif(bool(REASON), reason=f"left out, no Slurm: {REASON}")]

# What a small cluster without accounting needs, and answers within seconds instead of minutes.
SLURM = ["--slurm-no-account", "--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"]
PRESET = os.environ.get("TRULY_SPARSE_SLURM_PRESET", "quick")


@pytest.fixture(scope="module")
def slurm():
    folder = Path("/tmp") / f"slurm-{os.getpid()}"
    with cluster.Cluster(folder) as up:
        yield up
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What the preset gives without any cluster."""
    checkout = soak.Checkout(tmp_path_factory.mktemp("local") / "checkout", PRESET)
    assert checkout.finish() == ""
    return checkout


def start(slurm, checkout, profile, *arguments, targets=soak.TARGETS):
    """Start the documented command in a fresh copy of a checkout, the kernels compiled."""
    for name in ("results", ".snakemake", "data"):
        shutil.rmtree(checkout / name, ignore_errors=True)
    output = (checkout / "output.txt").open("w")
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "snakemake", *targets, "--profile", f"profiles/{profile}"),
            *("--configfile", f"config/{PRESET}.yaml", "--seconds-between-status-checks", "2"),
            *arguments,
        ],
        cwd=checkout,
        env=slurm.environment | {"PYTHONPATH": str(checkout / "src")},
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
    )


def said(checkout):
    return (checkout / "output.txt").read_text()


def training(checkout):
    """Return the processes of this checkout that train, on any node (there is one)."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and _trains(name, checkout)]


def _trains(pid, checkout):
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return command[1:4] == [b"-m", b"truly_sparse", b"run"] and Path(f"/proc/{pid}/cwd").resolve() == checkout
    except OSError:
        return False


def finished_trainings(checkout):
    return len(list(checkout.glob("results/*/*/runs/**/run.json")))


def test_the_slurm_profile_outlives_kills_cancels_failures_and_a_node_that_goes(slurm, undisturbed, tmp_path):
    wanted = undisturbed.results()
    checkout = tmp_path / "check out"
    shutil.copytree(undisturbed.folder, checkout)
    workflow = start(slurm, checkout, "slurm", *SLURM)

    def wait(ready, what, seconds=300):
        deadline = time.monotonic() + seconds
        while not ready():
            assert workflow.poll() is None, f"{what}: the workflow ended\n{said(checkout)}"
            assert time.monotonic() < deadline, f"{what}\n{said(checkout)}"
            time.sleep(0.1)

    try:
        wait(lambda: training(checkout), "no training began")
        os.kill(training(checkout)[0], signal.SIGKILL)
        wait(lambda: said(checkout).count("Trying to restart") >= 1, "the killed job was not tried again")

        wait(slurm.jobs, "nothing runs that could be cancelled")
        slurm.call("scancel", slurm.jobs()[0])
        wait(lambda: said(checkout).count("Trying to restart") >= 2, "the cancelled job was not tried again")

        # Spoilt for a while, so that the jobs that read it fail by themselves.
        tables = {path: path.read_bytes() for path in checkout.glob("data/*.parquet")}
        for path in tables:
            path.write_bytes(b"spoilt")
        wait(lambda: said(checkout).count("Trying to restart") >= 3, "no job failed without its data")
        for path, content in tables.items():
            path.write_bytes(content)

        wait(slurm.jobs, "nothing runs on the node")
        slurm.stop_node()
        assert slurm.state().startswith("down")
        done = finished_trainings(checkout)
        slurm.start_node()
        wait(lambda: finished_trainings(checkout) > done, "nothing runs after the node came back")
        assert workflow.wait(900) == 0, said(checkout)
    finally:
        workflow.kill()
    found = soak.Checkout(checkout, PRESET).results()
    assert {name for name in {*wanted, *found} if wanted.get(name) != found.get(name)} == set()


def test_the_generic_profile_gives_the_same_results(slurm, undisturbed, tmp_path):
    checkout = tmp_path / "checkout"
    shutil.copytree(undisturbed.folder, checkout)
    workflow = start(slurm, checkout, "cluster-generic")
    try:
        assert workflow.wait(900) == 0, said(checkout)
    finally:
        workflow.kill()
    assert "Submitted job" in said(checkout)
    wanted, found = undisturbed.results(), soak.Checkout(checkout, PRESET).results()
    assert {name for name in {*wanted, *found} if wanted.get(name) != found.get(name)} == set()


# What a user writes into a profile to pin timings to one kind of processor, and what else the tests need.
PINNED = {
    "slurm": ("    # constraint: icelake", "    constraint: kind1", SLURM),
    "cluster-generic": ("'--exclusive'", "'--exclusive --constraint=kind1'", []),
}


@pytest.mark.parametrize("profile", PINNED)
def test_a_timing_gets_a_node_of_its_own_of_the_kind_that_was_asked_for(slurm, tmp_path, profile):
    checkout = soak.Checkout(tmp_path / "checkout", PRESET).folder
    before, after, arguments = PINNED[profile]
    file = checkout / f"profiles/{profile}/profile.yaml"
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))
    workflow = start(slurm, checkout, profile, *arguments, targets=["measure_scalability"])
    seen = set()
    try:
        while workflow.poll() is None:
            seen |= set(slurm.call("squeue", "--noheader", "--format=%f %h %m").splitlines())
            time.sleep(0.2)
    finally:
        workflow.kill()
    assert workflow.returncode == 0, said(checkout)
    assert list(checkout.glob("results/*/*/measured/scalability.csv"))
    assert seen == {"kind1 NO 4000M"}, "features, whether others may use the node, memory"
