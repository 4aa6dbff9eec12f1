"""The tables and the figure that compare the methods of all sources: which file makes them, and what they draw on."""

from truly_sparse.analysis.study import Entry, Source, Study

TABLES = {
    "across_table1": Entry("table1", experiments=("across",)),
    "across_table2": Entry("table2", experiments=("across",)),
}
FIGURES = {"across_figure1": Entry("figure1", experiments=("across",))}
STUDY = Study(
    "across",
    # It reproduces none: what it compares are the methods of all, in the frame of the journal.
    Source(
        words="no single source: the methods of all five in the frame of van der Wal et al. (2025)",
        title="Truly sparse ensembles at equal operations",
        address="https://github.com/prdvanderwal/Diversifying-Truly-Sparse-Ensembles",
    ),
    TABLES,
    FIGURES,
)
