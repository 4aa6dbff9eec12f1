"""Training trajectories in the space of predictions, as one t-SNE embedding (journal figure 3)."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from truly_sparse.data.arrays import Arrays
from truly_sparse.engine.network import Floats, SparseMLP
from truly_sparse.errors import UserError
from truly_sparse.experiments.measuring.trained import finish, settings_of, trainer_of, with_data
from truly_sparse.experiments.samples import samples
from truly_sparse.measure.metrics import accuracy_of
from truly_sparse.training.schedule import Epoch


def measure(settings: dict[str, Any], config: dict[str, Any]) -> pd.DataFrame:
    """Train an ensemble by every method, and embed all test-set outputs of all epochs together.

    Rows are split by the first of the seeds for all methods; each trains with a seed of its own, counted from the
    first: with the same order and dropout, networks of the same epoch would look alike whatever their method.

    Returns
    -------
    DataFrame
        One row per (dataset, method, epoch): `member`, `phase`, `accuracy` on the test set, the coordinates `x` and
        `y`, the `components` of the principal component analysis before and the share of variance these keep
        (`kept_variance`), the divergence that t-SNE ends with (`kl_divergence`), and `partial`. Equal outputs are
        embedded once.

    Raises
    ------
    UserError
        Where a dataset is not prepared, training diverges, or there are too few epochs for the perplexity.
    """
    frames = []
    for dataset in settings["datasets"]:
        followed = [_follow(settings, config, dataset, number) for number in range(len(settings["methods"]))]
        rows = [row for rows, _, _ in followed for row in rows]
        outputs = np.concatenate([outputs for _, outputs, _ in followed])
        frames.append(with_data(rows, dataset, followed[0][2]).join(embed(outputs, settings)))
    return pd.concat(frames, ignore_index=True)


def embed(outputs: Floats, settings: dict[str, Any]) -> pd.DataFrame:
    """Embed outputs, shape (epochs, values), in two dimensions; see `measure` for the columns."""
    distinct, place = np.unique(outputs, axis=0, return_inverse=True)
    if len(distinct) <= settings["perplexity"]:
        raise UserError(
            f"trajectories: {len(distinct)} different outputs are too few for perplexity {settings['perplexity']:g}; "
            f"lower measurements.trajectories.perplexity or raise its epochs"
        )
    pca = PCA(min(settings["components"], *distinct.shape), random_state=settings["seed"])
    reduced = pca.fit_transform(distinct)
    tsne = TSNE(2, perplexity=settings["perplexity"], init="pca", random_state=settings["seed"], n_jobs=1)
    points = tsne.fit_transform(reduced)[place.ravel()]
    return pd.DataFrame(points, columns=["x", "y"]).assign(
        components=pca.n_components_,
        kept_variance=float(pca.explained_variance_ratio_.sum()),
        kl_divergence=float(tsne.kl_divergence_),
    )


def _follow(
    settings: dict[str, Any], config: dict[str, Any], dataset: str, number: int
) -> tuple[list[dict[str, Any]], Floats, Arrays]:
    """Train by one of the methods; return a row for every epoch, the outputs in the same order, and the data."""
    changes = {key: settings[key] for key in ("epsilon", "members", "epochs", "exploration_epochs")}
    method, seed = settings["methods"][number], settings["seed"]
    training = settings_of(config, dataset, method, **changes)
    strategy = config["methods"][method]["strategy"]
    trainer, data = trainer_of(config, dataset, training, strategy, seed + number, seed)
    rows: list[dict[str, Any]] = []
    outputs: list[Floats] = []
    x_test = samples(data.x_test)

    def watch(epoch: Epoch) -> None:
        assert isinstance(trainer.network, SparseMLP)
        probabilities = trainer.network.predict_proba(x_test)
        accuracy = accuracy_of(probabilities, data.y_test)
        about = {"epoch": epoch.number + 1, "member": epoch.member, "phase": epoch.phase, "accuracy": accuracy}
        rows.append({"method": method, **about})
        outputs.append(probabilities.ravel())

    finish(trainer, dataset, watch)
    return rows, np.stack(outputs), data
