"""Every table and figure of SPaS: which file makes it, and what it draws on."""

from truly_sparse.analysis.study import Entry, Source, Study

STUDY = Study(
    "spas",
    Source(
        words="the thesis by Muller (2023)",
        title="SPaS: Sparse Parameterized Shortcut Connections for Dynamic Sparse-to-Sparse Training",
        address="https://github.com/MaukWM/SPaS",
    ),
    tables={"spas_table2": Entry("table2")},
)
