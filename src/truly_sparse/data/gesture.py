"""Gesture Phase Segmentation (UCI 302): 14 files joined to one table.

Seven videos, each with a raw file (18 coordinates, a time stamp, the phase) and a processed one (32 velocities and
accelerations, the phase). The processed file starts four frames later: its row i belongs to raw row i + 4, which the
two phase columns confirm: every label is compared.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from truly_sparse.data.fetch import SourceFailed
from truly_sparse.errors import one_line

VIDEOS = ("a1", "a2", "a3", "b1", "b3", "c1", "c3")
LATER = 4
COORDINATES = [f"{part}{axis}" for part in ("lh", "rh", "h", "s", "lw", "rw") for axis in "xyz"]
MOTIONS = [str(number) for number in range(1, 33)]
#: Letter of the processed file for a phase of the raw one (one frame has it in Portuguese).
LETTERS = {"Rest": "D", "Preparation": "P", "Preparação": "P", "Stroke": "S", "Hold": "H", "Retraction": "R"}


def join(folder: Path) -> pd.DataFrame:
    """Return the 50 features, `target` (phase letter) and `video` of all videos, in the order of `VIDEOS`.

    Raises
    ------
    SourceFailed
        For a missing column, or files of one video that do not belong together: row numbers or labels that differ.
    """
    return pd.concat([_video(folder, video) for video in VIDEOS], ignore_index=True)


def _video(folder: Path, video: str) -> pd.DataFrame:
    raw = _read(folder / f"{video}_raw.csv", [*COORDINATES, "phase"])
    processed = _read(folder / f"{video}_va3.csv", [*MOTIONS, "Phase"])
    if len(raw) != len(processed) + LATER:
        raise SourceFailed(
            f"{video}_va3.csv has {len(processed)} rows where {video}_raw.csv has {len(raw)}; a file is truncated, "
            f"delete both and fetch again"
        )
    letters = raw["phase"].iloc[LATER:].map(LETTERS).to_numpy()
    # A missing label has a message of its own, later.
    apart = np.flatnonzero((letters != processed["Phase"].to_numpy()) & processed["Phase"].notna().to_numpy())
    if len(apart):
        raise SourceFailed(
            f"{video}_va3.csv, row {apart[0]} has phase {processed['Phase'].iloc[apart[0]]} where {video}_raw.csv, row "
            f"{apart[0] + LATER} has {raw['phase'].iloc[apart[0] + LATER]}; the files do not belong together, delete "
            f"both and fetch again"
        )
    table = pd.concat([raw[COORDINATES].iloc[LATER:].reset_index(drop=True), processed[MOTIONS]], axis=1)
    table.columns = [*COORDINATES, *(f"motion_{number}" for number in MOTIONS)]
    return table.assign(target=processed["Phase"].to_numpy(), video=np.repeat(video, len(processed)))


def _read(path: Path, columns: list[str]) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, skipinitialspace=True)
    except (OSError, ValueError) as error:
        raise SourceFailed(f"{path}: cannot be read ({one_line(error)}); delete it and fetch again") from None
    table.columns = [str(column).strip() for column in table.columns]
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise SourceFailed(f"{path}: column {missing[0]} is missing; delete the file and fetch again")
    return table
