"""Links of every input of converged networks, all and those that a SET step would leave (van Engers figure 4)."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from truly_sparse.data.arrays import floats
from truly_sparse.engine import topology
from truly_sparse.experiments.measuring.trained import converged, settings_of, with_data

#: Significant digits of sums and means: they hold as many pixels as there are, for every fraction.
DIGITS = 6


def measure(settings: dict[str, Any], config: dict[str, Any]) -> pd.DataFrame:
    """Train a network with each prune fraction and count the links that lead from every input after the last epoch.

    No SET step follows the last epoch, so that new links have been trained for an epoch at least.

    Returns
    -------
    DataFrame
        One row per (dataset, prune_fraction, pixel): `links` and `weight`, the number of links from that input and the
        sum of their magnitudes; `survivors` and `survivors_weight`, the same of what pruning between two values
        (`topology.between`) would leave; `intensity`, the mean of the input over the training rows; `partial`.

    Raises
    ------
    UserError
        Where a dataset is not prepared, or training diverges.
    """
    frames = []
    for dataset in settings["datasets"]:
        for fraction in settings["prune_fractions"]:
            training = settings_of(
                config, dataset, settings["method"], epsilon=settings["epsilon"], prune_fraction=fraction
            )
            network, data = converged(config, dataset, training, training["epochs"], settings["seed"])
            block = network.blocks[0]
            pixels, weights = block.links() // block.n_out, np.abs(block.values).astype(np.float64)
            keep = topology.between(block.values, fraction)
            intensity = floats(data.x_train).mean(axis=0, dtype=np.float64)
            columns = {
                "prune_fraction": np.full(block.n_in, fraction),
                "pixel": np.arange(block.n_in),
                "links": np.bincount(pixels, minlength=block.n_in),
                "survivors": np.bincount(pixels[keep], minlength=block.n_in),
                "weight": _short(np.bincount(pixels, weights, block.n_in)),
                "survivors_weight": _short(np.bincount(pixels[keep], weights[keep], block.n_in)),
                "intensity": _short(intensity),
            }
            rows = pd.DataFrame(columns).to_dict("records")
            frames.append(with_data(rows, dataset, data))
    return pd.concat(frames, ignore_index=True)


def _short(values: npt.NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in values]
