"""Run the golden runs on an emulated 64-bit ARM processor and compare their digests with the committed ones.

.venv/bin/python envs/arm.py [NAME ...]

Needs Debian or one of its children, and no rights but to write here: the emulator, Debian's Python for ARM and the
packages of the lock as ARM wheels are unpacked in .arm, beside the system. The first time compiles for minutes.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import install

LOCK = Path(__file__).with_name("run.lock")
CHECKOUT = Path(__file__).resolve().parents[1]
FOLDER = CHECKOUT / ".arm"
APT, SYSTEM, PACKAGES, STAMP = (FOLDER / name for name in ("apt", "system", "packages", "lock"))
#: What golden runs import beyond the package's own requirements.
ALSO = ("--extra", "tables", "jsonschema", "pyyaml")


def run(*command: str | Path) -> str:
    """Run a command and return what it prints; stop with one line where it fails.

    Raises
    ------
    SystemExit
        With the last thing that the command said.
    """
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except FileNotFoundError:
        sys.exit(f"error: no {command[0]} here; golden-arm needs Debian or one of its children")
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip().splitlines() or ["it says nothing"]
        sys.exit(f"error: {command[0]} failed: {said[-1]}")


def unpack() -> None:
    """Unpack emulator and Python as if into an empty ARM system, from the sources that this system's apt knows."""
    own = run("dpkg", "--print-architecture")
    for folder in ("lists", "archives"):
        (APT / folder / "partial").mkdir(parents=True, exist_ok=True)
    (APT / "status").touch()
    settings = {
        "Dir::State": APT,
        "Dir::State::status": APT / "status",
        "Dir::Cache": APT,
        "APT::Architecture": "arm64",
        "APT::Architectures": f"arm64,{own}",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "",
    }
    told = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    run("apt-get", "-qq", *told, "update")
    wanted = ("python3", "libgomp1", "libstdc++6", f"qemu-user-static:{own}")
    run("apt-get", "-qq", "--yes", *told, "--download-only", "install", *wanted)
    for package in sorted((APT / "archives").glob("*.deb")):
        run("dpkg-deb", "-x", package, SYSTEM)
    shutil.rmtree(APT)


def add_packages() -> None:
    """Install the packages, by the versions and hashes of the lock.

    Raises
    ------
    SystemExit
        Where they cannot be had.
    """
    version = (SYSTEM / "usr/bin/python3").resolve().name.removeprefix("python")
    target = ["--target", PACKAGES, "--python-platform", "aarch64-manylinux_2_28", "--python-version", version]
    which = ["--only-binary", ":all:", "--constraint", LOCK, "--requirement", CHECKOUT / "pyproject.toml", *ALSO]
    if why := install.with_uv([*map(str, target), *map(str, which)]):
        sys.exit(f"error: no packages for ARM: {why}")


def main(names: list[str]) -> int:
    """Set up what is missing, run, and return the exit code."""
    if not STAMP.is_file() or STAMP.read_bytes() != LOCK.read_bytes():
        print("Unpacking Python and packages for ARM in .arm (once, a minute at most)", flush=True)
        shutil.rmtree(FOLDER, ignore_errors=True)
        unpack()
        add_packages()
        shutil.copyfile(LOCK, STAMP)
    environment = os.environ | {
        "PYTHONPATH": f"{CHECKOUT / 'src'}:{PACKAGES}",
        "PYTHONPYCACHEPREFIX": str(FOLDER / "bytecode"),
        "NUMBA_CACHE_DIR": str(FOLDER / "kernels"),
    }
    emulated = [SYSTEM / "usr/bin/qemu-aarch64-static", "-L", SYSTEM, SYSTEM / "usr/bin/python3"]
    return subprocess.run([*emulated, "-m", "truly_sparse", "golden", *names], env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
