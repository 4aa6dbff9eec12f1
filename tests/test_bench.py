"""The benchmark: its report says what was measured, it measures what runs, and AVX2 means AVX2."""

import importlib.util
import json
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "benchmarks"
RESULTS = BENCHMARKS / "results"
FIGURES = ("epoch", "scale", "roofline", "convolution")
BLOCK = re.compile(r"<!-- speed: .*?<!-- /speed -->", re.DOTALL)


@pytest.fixture
def machine(monkeypatch):
    monkeypatch.delenv("BENCH_INSTRUCTIONS", raising=False)
    monkeypatch.delenv("NUMBA_CPU_FEATURES", raising=False)
    spec = importlib.util.spec_from_file_location("machine", BENCHMARKS / "machine.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def report(folder):
    """Make the report from a copy of the results; return bench.md and the README's part."""
    readme = folder / "README.md"
    shutil.copy(ROOT / "README.md", readme)
    readme.write_text(BLOCK.sub(lambda found: found[0].replace("1", "7"), readme.read_text(encoding="utf-8")))
    command = [sys.executable, BENCHMARKS / "report.py", "--results", folder, "--readme", readme]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    assert all((folder / f"{name}.png").stat().st_size > 5000 for name in FIGURES)
    return (folder / "bench.md").read_text(encoding="utf-8"), readme.read_text(encoding="utf-8")


@pytest.fixture
def results(tmp_path):
    """Return a copy of what was measured: results of one machine and instruction set each."""
    shutil.copytree(RESULTS / "machines", tmp_path / "machines")
    for path in RESULTS.glob("*.json"):
        shutil.copy(path, tmp_path)
    return tmp_path


def code(text, *arguments, **more):
    """Run Python code beside the benchmark's files; return what it prints."""
    command = [sys.executable, *arguments, "-c", f"import sys; sys.path.insert(0, {str(BENCHMARKS)!r})\n{text}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout


def row(text, beginning):
    """Return the cells of the one row of a table that begins so."""
    (line,) = (line for line in text.splitlines() if line.startswith(f"| {beginning}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_report_and_the_readme_are_the_measurements(results):
    bench, readme = report(results)
    assert bench == (RESULTS / "bench.md").read_text(encoding="utf-8")
    assert readme == (ROOT / "README.md").read_text(encoding="utf-8")


def test_another_machine_is_another_column(results):
    path = next(iter(sorted((results / "machines").glob("*.json"))))
    found = json.loads(path.read_text(encoding="utf-8"))
    for other in (results / "machines").glob("*.json"):
        if other != path:
            other.unlink()
    epochs = {(row["what"], row["epsilon"]): row for row in found["speed"]["epochs"]}
    before = statistics.median(epochs["truly sparse (ours)", 20]["seconds"])
    for one in found["speed"]["epochs"]:
        one["seconds"] = [2 * s for s in one["seconds"]]
    found["machine"] |= {"design": "znver3", "family": "25", "model": "1", "instructions": "avx2", "native": True}
    (results / "machines/other.json").write_text(json.dumps(found), encoding="utf-8")
    bench, readme = report(results)
    head = row(readme, " |")
    assert "Zen 3, AVX2" in head
    assert len(head) == 3
    place = head.index("Zen 3, AVX2")
    ours = row(bench, "truly sparse (ours) | 20 | 0.")[place + 1]
    assert ours.startswith(f"{2 * before:.4f} (1.0; ")
    # Twice the time everywhere: the ratios beside ours are the same in both columns.
    cells = row(bench, "SciPy CSR | 20 |")[2:]
    assert len({cell.split(" ", 1)[1] for cell in cells}) == 1
    assert len({cell.split(" ", 1)[0] for cell in cells}) == 2


@pytest.mark.parametrize(
    ("llvm", "name"),
    [("znver4", "Zen 4"), ("emeraldrapids", "Emerald Rapids"), ("cascadelake", "Cascade Lake"), ("haswell", "haswell")],
)
def test_columns_are_headed_by_what_people_call_a_processor(results, llvm, name):
    path = next(iter(sorted((results / "machines").glob("*.json"))))
    found = json.loads(path.read_text(encoding="utf-8"))
    found["machine"]["design"] = llvm
    path.write_text(json.dumps(found), encoding="utf-8")
    assert any(cell.startswith(f"{name}, ") for cell in row(report(results)[1], " |"))


def test_a_peer_that_is_missing_says_why(results):
    for path in (results / "machines").glob("*.json"):
        found = json.loads(path.read_text(encoding="utf-8"))
        speed = found["speed"]
        gone = {one["what"] for one in speed["epochs"] if one["what"].startswith("PyTorch")}
        speed["epochs"] = [one for one in speed["epochs"] if one["what"] not in gone]
        speed["missing"] |= dict.fromkeys(gone, "torch is not installed")
        found["torch"] = None
        path.write_text(json.dumps(found), encoding="utf-8")
    bench, readme = report(results)
    assert set(row(bench, "PyTorch CSR | 20 |")[2:]) == {"(torch is not installed)"}
    assert set(row(readme, "dense PyTorch")[1:]) == {"not installed"}


def test_blas_kernels_are_the_processors_own(machine, monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    monkeypatch.setenv("OPENBLAS_L2_SIZE", "1")
    own, *_ = machine.available()
    environment = machine.environment(own)
    assert "OPENBLAS_CORETYPE" not in environment
    assert "OPENBLAS_L2_SIZE" not in environment
    assert environment["OMP_NUM_THREADS"] == "1"


SAID = """
import numpy as np
from numba import njit
from threadpoolctl import threadpool_info
import scipy.linalg
@njit(fastmath=True)
def product(a, b):
    total = np.float32(0)
    for i in range(len(a)):
        total += a[i] * b[i]
    return total
product(np.ones(64, np.float32), np.ones(64, np.float32))
(assembly,) = product.inspect_asm().values()
print("zmm" in assembly, "ymm" in assembly, {p["architecture"] for p in threadpool_info() if "architecture" in p})
"""


def test_avx2_means_avx2(machine):
    if machine.available()[0] != "avx512":
        pytest.skip("the processor's own instructions are no more than AVX2")
    said = code(SAID, env=machine.environment("avx2"))
    assert said.split(maxsplit=2) == ["False", "True", "{'Haswell'}\n"]


PARTS = """
import single_core, profile_kernels, peers
found = profile_kernels.parts(peers.network((50, 300, 300, 5), 10), 1.0, 0.2)
print(*(name for name in (profile_kernels.GATHER, profile_kernels.FORWARD, profile_kernels.BACKWARD) if name in found),
      sep=", ")
(function, arguments), = found[profile_kernels.FORWARD]
function(*arguments)
print(len(function.signatures))
"""


def test_the_profile_calls_what_the_engine_calls():
    names, signatures = code(PARTS).splitlines()
    assert names == "gather batch, forward, backward"
    # A replayed call takes the code that is there: arguments of another type would compile another one.
    assert signatures == "1"


PEERS = """
import importlib.util, warnings
warnings.filterwarnings("ignore")
import single_core, numpy as np, peers
sizes = (50, 300, 200, 5)
x = peers.problem(sizes)[0][:600]
ours = peers.truly_sparse(sizes, 10).predict(x)
for make in (peers.scipy_csr, peers.torch_csr):
    if make is peers.scipy_csr or importlib.util.find_spec("torch"):
        peer = make(sizes, 10)
        assert np.abs(peer.predict(x) - ours).max() < 1e-5, make
        peer.epoch()
        assert np.abs(peer.predict(x) - ours).max() > 1e-3, make
"""


def test_sparse_peers_compute_what_we_do():
    code(PEERS)


PRODUCTS = """
import single_core, numpy as np, products
from truly_sparse.estimators.export import to_csr
network = products.network_of(4, 6, 0.7)
part = products.part_of(network, 16)
space, links = part.space, part.links
# The way back ended with the first layer: its gradient again.
first, last = links.pointers[[0, 4]] * 16
engine = links.products[first:last].copy()
assert abs(engine).max() > 0
links.products[first:last] = 0
products.gradient(part, 0)
assert (links.products[first:last] == engine).all()
# Its errors, which the engine does not lead into the picture: [row][channel][column][16], in a border of one.
wrong = space.wrong[: 8 * 4 * 8 * 16].reshape(8, 4, 8, 16).astype(float)
kernel = to_csr(network)[0].weights.toarray().reshape(4, 3, 4, 3)
expected = sum(
    np.einsum("yoxs,oc->ycxs", wrong[2 - i : 8 - i, :, 2 - j : 8 - j], kernel[:, i, :, j])
    for i in range(3) for j in range(3)
)
products.errors(part, 0)
assert np.allclose(space.passed[: expected.size].reshape(expected.shape), expected, atol=1e-5 * abs(expected).max())
# A prediction ended with the last layer: its logits again.
x = np.random.default_rng(1).normal(size=(16, network.features)).astype(np.float32)
shares = network.predict_proba(x)
products.forward(part, 2)
logits = space.passed[: 10 * 16].reshape(10, 16).T
assert np.allclose(np.exp(logits) / np.exp(logits).sum(1, keepdims=True), shares, atol=1e-6)
"""


def test_the_products_are_those_of_the_engine():
    code(PRODUCTS)
