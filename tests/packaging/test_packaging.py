"""The package as it is installed: a wheel from the sdist, alone with its light dependencies."""

import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="hatchling, which builds the package, is not installed (extra: build)")
ROOT = Path(__file__).parents[2]

# Everything beyond the light dependencies is refused, as if it were not installed.
ALONE = """
import sys, time

class Refused:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {refused}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Refused())
"""
REFUSED = {
    "pandas",
    "matplotlib",
    "pyarrow",
    "yaml",
    "jsonschema",
    "seaborn",
    "openml",
    "snakemake",
    "torch",
    "onnx",
    "argcomplete",
}
SMOKE = (Path(__file__).parent / "smoke.py").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Build the sdist, from it the wheel, and unpack the wheel into an empty folder."""
    folder = tmp_path_factory.mktemp("dist")
    build = "from hatchling import build; import sys; build.build_{}(sys.argv[1])"
    subprocess.run(
        [sys.executable, "-c", build.format("sdist"), str(folder)], cwd=ROOT, check=True, capture_output=True
    )
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "source", filter="data")
    (source,) = (folder / "source").iterdir()
    subprocess.run(
        [sys.executable, "-c", build.format("wheel"), str(folder)], cwd=source, check=True, capture_output=True
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site", sdist


def alone(site, code, *words):
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    command = [
        sys.executable,
        "-c",
        ALONE.format(refused=REFUSED) + f"sys.path.insert(0, {str(site)!r})\n" + code,
        *words,
    ]
    return subprocess.run(
        command, env=environment, cwd=site.parent, capture_output=True, text=True, timeout=300, check=False
    )


def test_the_wheel_works_with_its_light_dependencies_only(installed, tmp_path):
    site, _ = installed
    finished = alone(site, SMOKE, str(site), str(tmp_path / "model.npz"))
    assert finished.returncode == 0, finished.stderr
    assert "links" in finished.stdout


def test_the_wheel_is_typed_and_asks_for_little(installed):
    site, _ = installed
    assert (site / "truly_sparse/py.typed").exists()
    (metadata,) = site.glob("*.dist-info/METADATA")
    wanted = [
        line for line in metadata.read_text().splitlines() if line.startswith("Requires-Dist") and "extra" not in line
    ]
    names = {line.split()[1].partition(">")[0] for line in wanted}
    assert names == {"numpy", "scipy", "numba", "joblib", "narwhals", "scikit-learn", "threadpoolctl", "tqdm"}


def test_the_sdist_holds_sources_and_nothing_large(installed):
    _, sdist = installed
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "src/truly_sparse/__init__.py",
        "tests/packaging/smoke.py",
    } <= names
    assert not [name for name in names if name.startswith(("data/", ".venv/", "results/"))]
    assert sdist.stat().st_size < 2e6


def test_the_version_is_that_of_the_package(installed):
    site, sdist = installed
    text = (site / "truly_sparse/__init__.py").read_text()
    assert f'__version__ = "{sdist.name.split("-")[-1].removesuffix(".tar.gz")}"' in text
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dynamic"] == ["version"]


def test_the_import_is_quick(installed):
    site, _ = installed
    code = "begun = time.perf_counter(); import truly_sparse; print(time.perf_counter() - begun)"
    best = min(float(alone(site, code).stdout) for _ in range(3))
    assert best < 0.6
