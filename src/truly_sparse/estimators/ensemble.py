"""What the ensemble classifier and regressor share: methods, members, schedule."""

import pkgutil
import warnings
from collections.abc import Mapping
from typing import Any

from truly_sparse.ensembles import strategies
from truly_sparse.ensembles.strategies import Strategy
from truly_sparse.errors import UserError
from truly_sparse.estimators.base import Model, SparseEstimator
from truly_sparse.estimators.rows import Table
from truly_sparse.estimators.targets import Targets


def method_names() -> list[str]:
    """Return the names that `method` takes: every file of the strategies, and "independent"."""
    return [*sorted(module.name for module in pkgutil.iter_modules(strategies.__path__)), "independent"]


class Ensemble(SparseEstimator):
    """Members that follow one another in one run."""

    method: str | type[Strategy]

    def _strategy(self) -> str | type[Strategy]:
        if isinstance(self.method, type) and issubclass(self.method, Strategy):
            return self.method
        name = str(self.method).replace("-", "_").lower()
        if name not in method_names():
            raise UserError(f"method {self.method!r} is none of {', '.join(method_names())}")
        return name

    def _lengths(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        members, each = int(settings["members"]), int(settings["member_epochs"])
        exploration, independent = int(settings["exploration_epochs"]), self._strategy() == "independent"
        before = self._earlier()
        if before is not None:
            members -= len(before.members)
            exploration = exploration if independent else 0
        epochs = exploration + (1 if independent else members) * each
        return {"members": members, "exploration_epochs": exploration, "epochs": epochs}

    def _train(self, table: Table, targets: Targets, settings: dict[str, Any], before: Model | None = None) -> None:
        """Train the members that are missing; see `SparseEstimator._train`."""
        missing = int(settings["members"]) - (len(before.members) if before is not None else 0)
        if missing < 0:
            raise UserError("warm_start takes no members away; raise members, or set warm_start=False")
        if missing == 0:
            warnings.warn("warm_start found all members trained already; raise members to add some", stacklevel=4)
            return
        super()._train(table, targets, settings, before)
