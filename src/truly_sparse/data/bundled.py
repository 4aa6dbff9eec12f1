"""Real datasets that ship inside scikit-learn: no network, no files."""

import pandas as pd
from sklearn import datasets


def read(function: str) -> pd.DataFrame:
    """Return features and `target` of ``sklearn.datasets.<function>``, with the classes by name."""
    bunch = getattr(datasets, function)(as_frame=True)
    table: pd.DataFrame = bunch.data.copy()
    table["target"] = [str(bunch.target_names[number]) for number in bunch.target]
    return table
