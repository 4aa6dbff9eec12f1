"""Peers as they are timed: in this process, or in one of their own where they need another environment.

    python benchmarks/workers.py NAME EPSILON SIZE SIZE ...    # what a process of its own runs

MKL takes its quickest code on Intel's processors only. MKL_DEBUG_CPU_TYPE, which used to change that, is gone since
2020; what is left is to put a function of ours in the place of MKL's own question, `mkl_serv_intel_cpu_true`, with
LD_PRELOAD. That takes a C compiler.
"""

import single_core  # noqa: F401, I001

import importlib.util
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import machine
import numpy as np
import peers
from rounds import clocked

_ANSWER = "int mkl_serv_intel_cpu_true(void) { return 1; }\nint mkl_serv_intel_cpu(void) { return 1; }\n"


def missing(name: str) -> str | None:
    """Return why a peer cannot be measured here, or None."""
    kind = peers.PEERS[name]
    if importlib.util.find_spec(kind.package) is None:
        return f"{kind.package} is not installed"
    if kind.needs and kind.needs not in machine.features():
        return f"no {kind.needs} here"
    if kind.intel and machine.processor()["vendor"] != "amd":
        return "MKL takes that path by itself" if machine.processor()["vendor"] == "intel" else "MKL is for x86-64"
    if kind.intel and (shutil.which("cc") is None or sys.platform != "linux"):
        return "needs Linux and a C compiler"
    return None


class Here:
    """A peer of this process."""

    def __init__(self, name: str, epsilon: float, sizes: peers.Sizes) -> None:
        self._peer, self._features = peers.PEERS[name].make(sizes, epsilon), sizes[0]

    def epoch(self) -> float:
        """Train one epoch; return its CPU seconds."""
        return clocked(self._peer.epoch)

    def predict(self, rows: int, times: int = 1) -> float:
        """Predict so many rows, several times; return the CPU seconds of once."""
        x = np.random.default_rng(0).random((rows, self._features), dtype=np.float32)
        return clocked(lambda: self._peer.predict(x), times)


class Elsewhere:
    """A peer in a process of its own, with an environment of its own, on the same core."""

    def __init__(self, name: str, epsilon: float, sizes: peers.Sizes, environment: dict[str, str]) -> None:
        command = [sys.executable, __file__, name, str(epsilon), *map(str, sizes)]
        environment = {**os.environ, **environment}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def epoch(self) -> float:
        """Train one epoch; return its CPU seconds."""
        return self._ask("epoch")

    def predict(self, rows: int, times: int = 1) -> float:
        """Predict so many rows, several times; return the CPU seconds of once."""
        return self._ask(f"predict {rows} {times}")

    def _ask(self, what: str) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(what, file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the process of a peer ended: {' '.join(map(str, self._process.args))}")
        return float(answer)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


Timed = Here | Elsewhere


@contextmanager
def started(which: list[tuple[str, float, peers.Sizes]]) -> Iterator[list[Timed]]:
    """Make peers, given by name, epsilon and sizes of the layers; end those that have a process of their own."""
    with TemporaryDirectory() as folder:
        if any(peers.PEERS[name].intel for name, *_ in which):
            library = Path(folder) / "intel.so"
            subprocess.run(
                ["cc", "-shared", "-fPIC", "-o", library, "-x", "c", "-"], input=_ANSWER, text=True, check=True
            )
        made: list[Timed] = []
        try:
            for name, epsilon, sizes in which:
                intel = peers.PEERS[name].intel
                made.append(
                    Elsewhere(name, epsilon, sizes, {"LD_PRELOAD": str(library)}) if intel
                    else Here(name, epsilon, sizes)
                )  # fmt: skip
            yield made
        finally:
            for peer in made:
                if isinstance(peer, Elsewhere):
                    peer.close()


def _serve(name: str, epsilon: float, sizes: peers.Sizes) -> None:
    peer = Here(name, epsilon, sizes)
    for line in sys.stdin:
        what, *numbers = line.split()
        print(getattr(peer, what)(*map(int, numbers)), flush=True)


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=UserWarning)  # sparse CSR support of PyTorch is in beta, it says
    _serve(sys.argv[1], float(sys.argv[2]), tuple(map(int, sys.argv[3:])))
