"""What the ensemble classifier and regressor share: methods, members, schedule."""

import warnings
from collections.abc import Mapping
from typing import Any, ClassVar

from truly_sparse.ensembles import methods
from truly_sparse.ensembles.method import Method
from truly_sparse.ensembles.strategies import Strategy
from truly_sparse.ensembles.trainer import kind_of
from truly_sparse.errors import UserError
from truly_sparse.estimators import presets
from truly_sparse.estimators.base import MakeTargets, Model, SparseEstimator
from truly_sparse.estimators.distinct_rows import Table
from truly_sparse.estimators.parameters import EnsembleParameters


def method_names() -> list[str]:
    """Return the names that `method` takes: every escape strategy, then the methods of more than one member."""
    return [*methods.strategies(), *methods.of_many()]


class Ensemble(EnsembleParameters, SparseEstimator):
    """Members that follow one another in one run."""

    _presets: ClassVar[Mapping[str, Mapping[str, Any]]] = presets.ENSEMBLE

    def _method(self) -> str | type[Method] | type[Strategy]:
        if isinstance(self.method, type) and issubclass(self.method, Method | Strategy):
            return self.method
        name = str(self.method).replace("-", "_").lower()
        if name not in method_names():
            raise UserError(f"method {self.method!r} is none of {', '.join(method_names())}")
        return name

    def _lengths(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        members, each = int(settings["members"]), int(settings["member_epochs"])
        exploration, alone = int(settings["exploration_epochs"]), kind_of(self._method()).alone
        before = self._earlier()
        if before is not None:
            members -= len(before.members)
            exploration = exploration if alone else 0
        epochs = exploration + (1 if alone else members) * each
        return {"members": members, "exploration_epochs": exploration, "epochs": epochs}

    def _train(self, table: Table, make: MakeTargets, settings: dict[str, Any], before: Model | None = None) -> None:
        """Train the members that are missing; see `SparseEstimator._train`."""
        missing = int(settings["members"]) - (len(before.members) if before is not None else 0)
        if missing < 0:
            raise UserError("warm_start takes no members away; raise members, or set warm_start=False")
        if missing == 0:
            warnings.warn("warm_start found all members trained already; raise members to add some", stacklevel=4)
            return
        super()._train(table, make, settings, before)
