"""Every table and figure of the thesis: which file makes it, and what it draws on."""

from truly_sparse.analysis.study import Source, Study

STUDY = Study(
    "thesis",
    Source(
        words="the thesis by van der Wal (2023)",
        title="Diversifying Multilayer Perceptron Ensembles in a Truly Sparse Context",
        address="https://github.com/prdvanderwal/Diversifying-Truly-Sparse-Ensembles",
    ),
    tables={},
)
