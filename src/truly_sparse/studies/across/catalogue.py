"""The table and the figure that compare the methods of all sources: which file makes them, and what they draw on."""

from truly_sparse.analysis.study import Entry, Source, Study

TABLES = {"across_table1": Entry("table1", experiments=("across",)), "across_table2": Entry("table2", experiments=("across",))}
FIGURES = {"across_figure1": Entry("figure1", experiments=("across",))}
STUDY = Study(
    "across",
    Source(words="no source", title="Truly sparse ensembles at equal operations", address=""),
    TABLES,
    FIGURES,
)
