"""Every table and figure of the thesis: which file makes it, and what it draws on."""

from truly_sparse.analysis.study import Entry, Source, Study

_PRINTED = ("thesis_tables8_9", "thesis_dense", "thesis_table7")
_RUNS = (*_PRINTED, "thesis_fair", "thesis_refinement", "thesis_figure8", "thesis_fashion")
TABLES = {
    "thesis_table1": Entry("table1", experiments=("thesis_tables8_9",), optional=("thesis_table7",)),
    "thesis_table7": Entry("table7", experiments=("thesis_table7",), optional=("thesis_dense",)),
    "thesis_table8": Entry("table8", experiments=("thesis_tables8_9",)),
    "thesis_table9": Entry("table9", experiments=("thesis_tables8_9",)),
    "thesis_table10": Entry("table10", experiments=("thesis_tables8_9",)),
    "thesis_table12": Entry("table12", experiments=("thesis_refinement",)),
    "thesis_counts": Entry("counts", experiments=("thesis_tables8_9",)),
    "thesis_fair": Entry("fair", experiments=("thesis_fair",), optional=_PRINTED),
    "thesis_fashion": Entry("fashion", experiments=("thesis_fashion",)),
    "thesis_verdicts": Entry("verdicts", optional=_RUNS, optional_measurements=("distances", "member_topology")),
}
FIGURES = {
    "thesis_figure5": Entry("figure5", measurements=("distances",)),
    "thesis_figure8": Entry("figure8", experiments=("thesis_figure8",)),
    "thesis_figure9": Entry("figure9", measurements=("member_topology",)),
    "thesis_figure10": Entry("figure10", measurements=("member_topology",)),
    "thesis_figure11": Entry("figure11", measurements=("member_topology",)),
}
STUDY = Study(
    "thesis",
    Source(
        words="the thesis by van der Wal (2023)",
        title="Diversifying Multilayer Perceptron Ensembles in a Truly Sparse Context",
        address="https://github.com/prdvanderwal/Diversifying-Truly-Sparse-Ensembles",
    ),
    TABLES,
    FIGURES,
)
