"""The networks of one run, trained through their schedule, with checkpoints on the way."""

import json
import math
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.json import ReadOptions, read_json

from truly_sparse.data.arrays import Arrays, Samples
from truly_sparse.engine import store
from truly_sparse.engine.network import Floats, SparseMLP
from truly_sparse.ensembles import methods
from truly_sparse.ensembles.subnetworks import idle_neurons
from truly_sparse.ensembles.trainer import Trainer, predict_members
from truly_sparse.experiments import parents
from truly_sparse.experiments.progress import Reporter
from truly_sparse.experiments.samples import samples, seen
from truly_sparse.files import atomic_path
from truly_sparse.measure import host
from truly_sparse.measure.combining import combined
from truly_sparse.measure.flops import operations
from truly_sparse.measure.metrics import accuracy_of
from truly_sparse.training import checkpoint
from truly_sparse.training.schedule import Epoch

if TYPE_CHECKING:
    from truly_sparse.experiments.grid import RunSpec

CHECKPOINT_SECONDS = 20.0
# Saving takes at most one part of this many of the time: a large network is saved less often.
CHECKPOINT_SHARE = 100


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    """Return rows as a table; by way of JSON lines, as Arrow imports pandas (0.2 s) to look at Python lists."""
    lines = BytesIO("\n".join(map(json.dumps, rows)).encode())
    return read_json(lines, ReadOptions(use_threads=False)) if rows else pa.table({})


class Model:
    """An ensemble (or a single network) trained by `Trainer`.

    Parameters
    ----------
    spec : RunSpec
        A run whose model is sparse or dense.
    data : Arrays
    folder : Path
        The run's folder; its checkpoint.npz is gone on from where it fits.
    restart : bool
        Ignore a checkpoint.
    each_epoch : callable
        Called after every epoch.
    parents : Path, optional
        The folder of parents that runs share.

    Attributes
    ----------
    failure : str or None
        What happened and what to do, where the run diverged; None for a run that ended well.
    """

    def __init__(
        self,
        spec: "RunSpec",
        data: Arrays,
        folder: Path,
        restart: bool,
        each_epoch: Callable[[], None],
        parents: Path | None = None,
    ) -> None:
        settings = spec.settings
        self.trainer = Trainer(seen(data), settings["training"], settings["model"], settings["strategy"], spec.seed)
        self._start_links = self.trainer.network.link_counts
        self._checkpoint, self._parents = folder / "checkpoint.npz", parents
        self._method = methods.kind(settings["strategy"])
        self._train(spec, data, restart, each_epoch)
        self.failure = self.trainer.progress.failure

    def _train(self, spec: "RunSpec", data: Arrays, restart: bool, each_epoch: Callable[[], None]) -> None:
        """Train to the end with a checkpoint every so often, going on from one that fits."""
        trainer, path = self.trainer, self._checkpoint
        # Another processor or BLAS kernel may round differently: bytes would depend on where the run was killed.
        pools = [pool for pool in host.threads()["threadpools"] if pool["user_api"] == "blas"]
        kernels = {str(pool.get("architecture")) for pool in pools}  # one library of them may be there twice
        where = {"processor": host.processor_facts(), "blas": sorted(kernels)}
        where["data"] = data.info["sha256"]
        identity = {**spec.hashes, **where}
        facts = parents.identity(spec, where)
        reporter = Reporter(spec.path, len(trainer.plan))
        if not restart and path.exists():
            reason = checkpoint.restore(trainer, path, identity)
            done = trainer.progress.epoch
            reporter.say(f"going on after epoch {done}" if reason is None else f"checkpoint not used: {reason}")
        shared = self._parents if parents.shared(trainer) else None
        if shared is not None and not trainer.progress.epoch and parents.take(trainer, shared, facts):
            reporter.say("its parent was trained by another run")
        saved, due = time.monotonic(), CHECKPOINT_SECONDS

        def after_epoch(_: Epoch) -> None:
            nonlocal saved, due
            each_epoch()
            if trainer.progress.failure is None:
                reporter.update(trainer.progress.epoch, trainer.progress.history[-1])
                if shared is not None and trainer.progress.epoch == len(trainer.stages[0].epochs):
                    parents.keep(trainer, shared, facts)
            begun = time.monotonic()
            if begun - saved > due and not trainer.finished:
                checkpoint.save(trainer, path, identity)
                saved = time.monotonic()
                due = max(CHECKPOINT_SECONDS, CHECKPOINT_SHARE * (saved - begun))

        trainer.run(after_epoch)
        reporter.close(trainer.progress.failure)

    def predict(self, x: Samples) -> Floats:
        """Return softmax probabilities, float32, shape (members, samples, classes)."""
        return predict_members(self.trainer.members, samples(x))

    @property
    def model_bytes(self) -> int:
        """Memory of all members: links, biases and pointers."""
        return sum(array.nbytes for member in self.trainer.members for array in member.arrays.values())

    def record(self, data: Arrays, probabilities: Floats | None) -> dict[str, Any]:
        """Return the parts of the run record that only networks have."""
        history, progress, members = self.trainer.progress.history, self.trainer.progress, self.trainer.members
        counts = [[int(n) for n in member.arrays["counts"]] for member in members]
        biases = self.trainer.network.bias_count
        return {
            "members_validation": [member.score for member in members],
            "members_epoch": [member.epoch for member in members],
            "scores": self.scores(),
            "loss": {"final_train": history[-1]["loss"] if history else None},
            "links": {
                "start": self._start_links,
                "members": counts,
                "biases": biases,
                "total_weights": sum(map(sum, counts)) + biases * len(counts),
            },
            "operations": operations(history, len(data.y_validation)),
            "epochs_wall": sum(row["seconds"] for row in history),
            "blocked_fallbacks": progress.fallbacks,
            "distance_draws": progress.draws,
            **({} if probabilities is None else self._together(data, probabilities)),
        }

    def _together(self, data: Arrays, members: Floats) -> dict[str, Any]:
        """Return what there is to know of members that come of one network, given what they predict."""
        if self._method.family:
            return self._of_family(data, members)
        return {"combined": {"all": combined(members, data.y_test)}} if self._method.of_one else {}

    def _of_family(self, data: Arrays, members: Floats) -> dict[str, Any]:
        """Return what there is to know of a parent and its children, apart and together, given what members predict."""
        trainer, x, y = self.trainer, samples(data.x_test), data.y_test
        assert trainer.parent is not None
        first = int(trainer.stages[0].collects)
        parent, children = members[:first], members[first:]
        if not first:
            parent = predict_members([trainer.parent], x)
        rows = trainer.progress.history
        parts = {
            "parent": [row for row in rows if not row["member"]],
            "children": [row for row in rows if row["member"]],
        }
        networks = [store.build(member.arrays) for member in trainer.members[first:]]
        return {
            "combined": {
                "all": combined(np.concatenate([parent, children]), y),
                "children": combined(children, y),
            },
            "children": {
                "operations": {name: operations(part, 0)["total_training"] for name, part in parts.items()},
                "seconds": {name: sum(row["seconds"] for row in part) for name, part in parts.items()},
                "before": [accuracy_of(network.predict_proba(x), y) for network in trainer.untuned()],
                "after": [accuracy_of(one, y) for one in children],
                "parent": accuracy_of(parent[0], y),
                "idle_neurons": [idle_neurons(network) for network in networks if isinstance(network, SparseMLP)],
            },
        }

    def scores(self) -> dict[str, Any]:
        """Return the epochs trained and validation scores over them: best, last, mean of the last planned tenth.

        Where validation rows are the test rows, as in some sources, these are test accuracies.
        """
        progress, planned = self.trainer.progress, len(self.trainer.plan)
        name = f"validation_{self.trainer.problem.targets.metric}"
        scores = [row[name] for row in progress.history if row[name] is not None]
        tail = scores[-math.ceil(planned / 10) :]
        mean = math.fsum(tail) / len(tail) if tail else None
        of_scores = {"best": max(scores), "last": scores[-1], "last_tenth": mean} if scores else {}
        return {"epochs": len(progress.history), "best": None, "last": None, "last_tenth": None} | of_scores

    def write(self, folder: Path) -> None:
        """Write the members and the history of all epochs."""
        for old in folder.glob("member_*.npz"):
            old.unlink()
        for i, member in enumerate(self.trainer.members):
            store.save(member.arrays, folder / f"member_{i}.npz")
        with atomic_path(folder / "history.parquet") as temporary:
            pq.write_table(_table(self.trainer.progress.history), temporary)

    def forget_checkpoint(self) -> None:
        """Take the checkpoint away; called when the record is in place."""
        self._checkpoint.unlink(missing_ok=True)
