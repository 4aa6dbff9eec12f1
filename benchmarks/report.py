"""What `bench.py` measured, in words and tables: `python benchmarks/report.py` prints bench.json as bench.md has it."""

import single_core  # noqa: F401, I001

import json
import sys
from pathlib import Path
from typing import Any

import profile_kernels
import scale
import stability

EPSILONS = (10, 20, 30)


def epochs_markdown(epochs: list[dict[str, object]], facts: dict[str, object]) -> str:
    """Return the epochs of all peers as Markdown."""
    lines = [
        f"One training epoch (49 batches of 128, 50-1000-1000-1000-5), one core of {facts['cpu']}; "
        f"median of {facts['rounds']} interleaved rounds.",
        "",
        "| what | epsilon | seconds | useful GFLOP/s | x ours at 10 | at 20 | at 30 |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in epochs:
        ratios = [f"{row[key]:.1f}" if (key := f"times ours at {e}") in row else "" for e in EPSILONS]
        gflops = f"{row['gflops']:.0f}" if "gflops" in row else ""
        lines.append(
            f"| {row['what']} | {row['epsilon'] or 'dense'} | {row['seconds']:.4f} | {gflops} | {' | '.join(ratios)} |"
        )
    lines += [f"| {name} | not installed | | | | | |" for name in facts["missing"]]
    return "\n".join(lines)


def escapes_markdown(escapes: list[dict[str, object]]) -> str:
    """Return the re-initialisations as Markdown."""
    lines = [
        "One re-initialisation of an n x n block, epsilon 10, q 0.8 (Dist-TSE: lambda 1.5, 100 samples).",
        "",
        "| strategy | n | links | seconds | printed in journal table 4 (another machine) |",
        "|---|---|---|---|---|",
    ]
    for row in escapes:
        lines.append(
            f"| {row['strategy']} | {row['n']:,} | {row['links']:,} | {row['seconds']:.4f} | {row['printed'] or ''} |"
        )
    return "\n".join(lines)


def whole_markdown(found: dict[str, dict[str, float]]) -> str:
    """Return the cost of a whole run in words."""
    whole = found["whole_run"]
    return (
        f"A whole run (FD-TSE, epsilon 20, 350 epochs of 6318 x 50, validation each epoch, evolution, members, record, "
        f"process start): {whole['run']:.1f} s, {whole['ratio']:.2f} times 350 pure epochs of {whole['epoch']:.4f} s; "
        f"all but the epochs takes {whole['start_up']:.2f} s. First compilation of the kernels on a machine, process "
        f"start included: {found['first_compilation']:.1f} s. Roofs of the core: sgemm "
        f"{found['roofs']['sgemm_gflops']:.0f} GFLOP/s, reading a layer's activations "
        f"{found['roofs']['cache_gbytes']:.0f} GB/s."
    )


def largest_markdown(row: dict[str, float]) -> str:
    """Return the largest network in words."""
    return (
        f"The largest network measured within 20 GB, with activations stored as float32 (`python benchmarks/scale.py "
        f"--largest 2.5e8`): {row['hidden_neurons']:,} hidden neurons, {row['links']:,} links, "
        f"{row['epoch_seconds']:.0f} s an epoch of {scale.SAMPLES} samples, peak {row['peak_bytes'] / 1e9:.1f} GB."
    )


def report(found: dict[str, Any]) -> str:
    """Return the whole of bench.md."""
    sizes = [scale.markdown(found["scale"]), scale.higgs_markdown(found["higgs"])]
    if "largest_with_float32_storage" in found:
        sizes.append(largest_markdown(found["largest_with_float32_storage"]))
    sections = {
        "One epoch": epochs_markdown(found["epochs"], found["facts"]),
        "Kernel by kernel": profile_kernels.markdown(found["kernels"]),
        "Re-initialisation": escapes_markdown(found["escapes"]),
        "Scale": "\n\n".join(sizes),
        "Whole runs": whole_markdown(found),
        "Stability": stability.markdown(found["stability"]) + "\n\n" + stability.suspects_markdown(found["suspects"]),
    }
    text = "\n\n".join(f"## {title}\n\n{part}" for title, part in sections.items())
    return f"# Measured by `make bench`\n\n{text}\n"


if __name__ == "__main__":
    source = sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "results/bench.json"
    print(report(json.loads(Path(source).read_text(encoding="utf-8"))), end="")
