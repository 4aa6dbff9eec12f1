"""What the command line can train on your own tables, by name."""

from truly_sparse.ensembles import methods

#: Every escape strategy is a method, too.
ENSEMBLES = tuple(name.replace("_", "-") for name in (*methods.strategies(), *methods.of_many()))
METHODS = (*ENSEMBLES, "set", "static")
#: What `compare` sets beside them.
RIVALS = ("boosting", "mlp")
