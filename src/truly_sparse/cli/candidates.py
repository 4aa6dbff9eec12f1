"""What the command line can train on your own tables, by name."""

from pathlib import Path

from truly_sparse.ensembles import methods

_STRATEGIES = Path(__file__).parents[1] / "ensembles/strategies"
#: Every escape strategy is a method, too; that folder is looked at, not imported, so that help stays quick.
ENSEMBLES = tuple(
    name.replace("_", "-")
    for name in (*sorted(file.stem for file in _STRATEGIES.glob("[a-z]*.py")), *methods.of_many())
)
METHODS = (*ENSEMBLES, "set", "static")
#: What `compare` sets beside them.
RIVALS = ("boosting", "mlp")
