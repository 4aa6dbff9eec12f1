"""Build sdist and wheel into dist/, install each into fresh environments, and use it there.

    python tests/packaging/fresh.py [PYTHON ...]

Without arguments: every Python from 3.11 on that is at hand. Needs the package index.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from hatchling import build

ROOT = Path(__file__).parents[2]
SMOKE = Path(__file__).with_name("smoke.py")
NAMES = [f"python3.{minor}" for minor in range(11, 16)]
ABOUT = "import sys, sysconfig; print('%d.%d.%d' % sys.version_info[:3], sysconfig.get_path('purelib'))"
CLEAN = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}


def run(*words: str | Path, folder: Path) -> str:
    """Run a command outside the sources and return what it printed."""
    finished = subprocess.run(words, cwd=folder, env=CLEAN, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise SystemExit(f"{' '.join(map(str, words))}\n{finished.stdout[-2000:]}\n{finished.stderr[-4000:]}")
    return finished.stdout


def works(python: str) -> bool:
    """Whether a command is a Python that runs (a shim of a version manager may be there, and not run)."""
    return shutil.which(python) is not None and not subprocess.run([python, "-V"], capture_output=True).returncode


def try_out(python: str, archive: Path, folder: Path) -> None:
    """Install an archive into a fresh environment in `folder`, and run library and command there."""
    run(python, "-m", "venv", folder / "venv", folder=folder)
    commands = folder / "venv/bin"
    run(commands / "python", "-m", "pip", "install", "--quiet", archive, folder=folder)
    run(commands / "python", "-m", "pip", "check", folder=folder)
    version, site = run(commands / "python", "-c", ABOUT, folder=folder).split()
    run(commands / "python", SMOKE, site, folder / "model.npz", folder=folder)
    run(commands / "truly-sparse", "fit", "--help", folder=folder)
    timed = (
        "import time; begun = time.perf_counter(); import truly_sparse.estimators; print(time.perf_counter() - begun)"
    )
    seconds = min(float(run(commands / "python", "-c", timed, folder=folder)) for _ in range(3))
    print(f"Python {version}, {archive.name}: works; import of the estimators {seconds:.2f} s", flush=True)


def main(pythons: list[str]) -> None:
    """Build once; try wheel and sdist in every Python."""
    target = ROOT / "dist"
    target.mkdir(exist_ok=True)
    os.chdir(ROOT)
    archives = [target / build.build_wheel(str(target)), target / build.build_sdist(str(target))]
    for python in pythons or filter(works, NAMES):
        for archive in archives:
            with tempfile.TemporaryDirectory() as folder:
                try_out(python, archive, Path(folder))


if __name__ == "__main__":
    main(sys.argv[1:])
