"""What machines do to a run: full disks, no rights, no memory, odd clocks and folders. It works or says why."""

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

RUN = "tiny/toy/fd_tse/eps3/seed0"
ROOT = Path(__file__).parents[2]
JOBS = int(os.environ.get("TRULY_SPARSE_COMPILERS", "8"))
PRIVATE = ["unshare", "--user", "--map-root-user", "--mount", "--net"]


def namespaces():
    return shutil.which("unshare") and subprocess.run([*PRIVATE, "true"], capture_output=True).returncode == 0


needs_namespaces = pytest.mark.skipif(not namespaces(), reason="left out: no user namespaces (unshare) here")


def command(*arguments):
    return [sys.executable, "-m", "truly_sparse", *arguments, "--config", "config.yaml"]


def run(place, *arguments, mount="", **options):
    """Run the command line, after `mount` in a mount namespace of its own; return exit code and lines of errors."""
    called = command(*arguments)
    if mount:
        called = [*PRIVATE, "sh", "-c", f'{mount} && exec "$@"', "sh", *called]
    done = subprocess.run(called, cwd=place, capture_output=True, text=True, **options)
    return done.returncode, done.stderr.splitlines()


def refused(place, *arguments, **options):
    code, errors = run(place, *arguments, **options)
    said = [line for line in errors if not line.startswith("tiny/toy")]
    assert code == 2, errors
    assert len(said) == 1, errors
    assert said[0].startswith("error: ")
    return said[0]


def test_an_undisturbed_run_works_here(place):
    assert run(place, "run", RUN)[0] == 0


@needs_namespaces
def test_a_full_disk_is_one_line_and_the_run_goes_on_when_there_is_space(place):
    (place / "results").mkdir()
    said = refused(place, "run", RUN, mount="mount -t tmpfs -o size=16k none results")
    assert "No space left on device" in said
    assert "results/test/journal/runs" in said
    assert run(place, "run", RUN)[0] == 0


@needs_namespaces
def test_read_only_results_are_one_line(place):
    (place / "results").mkdir()
    said = refused(place, "run", RUN, mount="mount --bind results results && mount -o remount,ro,bind results")
    assert "Read-only file system" in said
    assert "results" in said


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="left out: no setpriv here")
def test_no_permission_is_one_line(place):
    (place / "results").mkdir(mode=0o555)
    rights = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"] if os.geteuid() == 0 else []
    done = subprocess.run([*rights, *command("run", RUN)], cwd=place, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["error: Permission denied (results/test)"]


def change(place, **training):
    config = yaml.safe_load((place / "config.yaml").read_text())
    config["training"] |= training
    (place / "config.yaml").write_text(yaml.safe_dump(config))


@pytest.mark.parametrize("run_path", [RUN, "tiny/toy/dense_ensemble/default/seed0"])
def test_too_little_memory_is_said_before_training(place, run_path):
    change(place, hidden_layer_sizes=[10**6, 10**6, 10**6])
    if run_path == RUN:
        change(place, hidden_layer_sizes=[10**9, 10**9])
    before = os.times().elapsed
    said = refused(place, "run", run_path)
    assert "needs about" in said
    assert "GB are free" in said
    assert "lower hidden_layer_sizes" in said
    assert os.times().elapsed - before < 30


def test_a_memory_limit_of_the_process_or_the_job_is_seen(place):
    change(place, hidden_layer_sizes=[20000, 20000])
    four = 4 * 2**30
    said = refused(
        place,
        "run",
        "tiny/toy/dense_ensemble/default/seed0",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (four, four)),
    )
    assert "ulimit -v" in said
    said = refused(
        place, "run", "tiny/toy/dense_ensemble/default/seed0", env=os.environ | {"SLURM_MEM_PER_NODE": "1000"}
    )
    assert "Slurm job" in said
    assert run(place, "run", RUN, env=os.environ | {"SLURM_MEM_PER_NODE": "1000"})[0] == 0


def test_a_clock_that_goes_backwards_changes_nothing(place):
    assert run(place, "run", RUN)[0] == 0
    predictions = place / "results/test/journal/runs" / RUN / "predictions.npz"
    expected = predictions.read_bytes()
    backwards = place / "clock"
    backwards.mkdir()
    (backwards / "sitecustomize.py").write_text(
        "import itertools, time\nticks = itertools.count()\ntime.time = lambda: 1e9 - 100 * next(ticks)\n"
    )
    path = f"{backwards}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    code, errors = run(place, "run", RUN, env=os.environ | {"PYTHONPATH": path})
    assert code == 0, errors
    assert predictions.read_bytes() == expected
    seconds = json.loads((predictions.parent / "run.json").read_text())["seconds"]
    assert seconds["wall"] > 0
    assert seconds["fit"] > 0


def bare_tools(folder):
    """Return a PATH of a shell and little else: no compiler, no LaTeX, no git."""
    folder.mkdir()
    for name in ("sh", "bash", "env", "tail", "cat", "uname", "which"):
        (folder / name).symlink_to(shutil.which(name))
    return str(folder)


@needs_namespaces
def test_the_workflow_needs_no_network_home_compiler_latex_or_locale_and_takes_any_folder(tmp_path, tests):
    soak = tests("faults/soak.py")
    checkout = soak.Checkout(tmp_path / "Ünïcode földer ✓ 'quoted'", "tiny")
    environment = {
        "PATH": bare_tools(tmp_path / "bin"),
        "PYTHONPATH": str(checkout.folder / "src"),
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    }

    def call(*arguments):
        unshare = shutil.which("unshare")
        return subprocess.run(
            [unshare, *PRIVATE[1:], sys.executable, "-m", *arguments],
            cwd=checkout.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="ascii",
            errors="replace",
        )

    done = call("snakemake", *soak.TARGETS, "--cores", "2", "--configfile", "config/tiny.yaml")
    assert done.returncode == 0, done.stdout
    assert "No PDF, because latexmk is missing" in done.stdout
    shown = call("truly_sparse", "show", "table1", "--config", "config/tiny.yaml")
    assert shown.returncode == 0, shown.stdout
    assert "FD-TSE" in shown.stdout


@needs_namespaces
def test_kernels_compile_where_neither_package_nor_home_can_be_written_to(place, tmp_path):
    source = tmp_path / "checkout/src"
    shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "workflow", source.parent / "workflow")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = os.environ | {"PYTHONPATH": str(source), "TMPDIR": str(temporary), "HOME": "/proc/nowhere"}
    environment.pop("NUMBA_CACHE_DIR", None)
    mount = f"mount --bind {source} {source} && mount -o remount,ro,bind {source}"
    code, errors = run(place, "run", RUN, mount=mount, env=environment)
    assert code == 0, errors
    (cache,) = temporary.glob("truly-sparse-*-kernels")
    assert list(cache.rglob("*.nbi"))
    assert cache.stat().st_mode & 0o077 == 0
    cache.chmod(0o777)  # anybody could have put something into it
    code, errors = run(place, "run", RUN, mount=mount, env=environment)
    assert code == 0, errors
    assert list(temporary.glob("truly-sparse-kernels-*")), "a cache that is not only ours was used"


def test_many_jobs_that_compile_at_once_get_in_nobodys_way(place, tmp_path):
    places = [tmp_path / f"job{number}" for number in range(JOBS)]
    for folder in places:
        folder.mkdir()
        shutil.copy(place / "config.yaml", folder)
        shutil.copytree(place / "data", folder / "data")
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    jobs = [
        subprocess.Popen(command("run", RUN), cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
        for folder in places
    ]
    for job in jobs:
        _, errors = job.communicate()
        assert job.returncode == 0, errors
    assert (
        len({(folder / "results/test/journal/runs" / RUN / "predictions.npz").read_bytes() for folder in places}) == 1
    )
    assert list((tmp_path / "cache").rglob("*.nbi"))
