"""What the command line can train on your own tables, by name."""

from truly_sparse.ensembles import methods

#: Every escape strategy is a method, too.
ENSEMBLES = tuple(name.replace("_", "-") for name in (*methods.strategies(), *methods.of_many()))
#: One network, with links that change while it trains, or stay.
SINGLE = ("set", "static")
METHODS = (*ENSEMBLES, *SINGLE)
#: What `compare` sets beside them.
RIVALS = ("boosting", "mlp")
