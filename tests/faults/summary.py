"""Put what a soak test wrote into one small CSV: python tests/faults/summary.py FOLDER"""

import json
import sys
from pathlib import Path

import pandas as pd

OUT = Path(__file__).with_name("kills.csv")


def main() -> None:
    """Read every outcome in the folder and write one row per kill point."""
    rows = []
    for file in sorted(Path(sys.argv[1]).glob("*.jsonl")):
        undisturbed, *points = map(json.loads, file.read_text(encoding="utf-8").splitlines())
        for point in points:
            row = {key: point[key] for key in ("kind", "second")} | {"compared": len(undisturbed["undisturbed"])}
            rows.append(row | {"exit_ok": not point["problem"], "differing": len(point["differing"])})
    frame = pd.DataFrame(rows).sort_values(["kind", "second"])
    frame.to_csv(OUT, index=False)
    bad = ((frame["differing"] > 0) | ~frame["exit_ok"]).sum()
    print(f"{len(frame)} kill points, {bad} bad")
    print(frame["kind"].value_counts().to_string())


if __name__ == "__main__":
    main()
