"""Every table and figure of the journal: which file makes it, and what it draws on. A new one is one file and one line.

Nothing is imported for it: the workflow reads this list each time it starts.
"""

from truly_sparse.analysis.study import Entry, Source, Study

TABLES = {
    "table1": Entry("table1", experiments=("table1",)),
    "table2": Entry("table2", experiments=("table2",)),
    "table3": Entry("table3", experiments=("refinement",)),
    "table4": Entry("table4", measurements=("scalability",)),
    "table5": Entry("table5", experiments=("table1",), optional=("table2",), methods=("edst_rg",)),
    "table6": Entry("table6", experiments=("table1",)),
    "sensitivity": Entry("sensitivity", experiments=("sensitivity", "table1")),
    "ablations": Entry(
        "ablations", experiments=("refinement", "preprocessing", "protocol"), optional=("table1", "table2", "features")
    ),
    "table7": Entry("table7", measurements=("datasets",)),
    "baselines": Entry("baselines", experiments=("baselines",), optional=("table1", "table2")),
    "members": Entry("members", experiments=("table1",), optional=("table2",)),
    "verdicts": Entry(
        "verdicts",
        experiments=("table1",),
        optional=("table2", "refinement", "preprocessing", "protocol", "baselines"),
        optional_measurements=("scalability", "topology"),
    ),
}
FIGURES = {
    "summary": Entry("summary", experiments=("table1",), tables=("verdicts", "ablations")),
    "accuracy": Entry("accuracy", experiments=("table1",)),
    "cost": Entry("cost", experiments=("table1",)),
    "figure1": Entry("figure1"),
    "figure2": Entry("figure2", measurements=("distances", "lambdas")),
    "figure3": Entry("figure3", measurements=("trajectories",)),
    "figure4": Entry("figure4", measurements=("topology",)),
    "distances": Entry("distances", measurements=("distances",)),
    "ranks": Entry("ranks", experiments=("table2",)),
    "effects": Entry("effects", experiments=("refinement", "preprocessing", "protocol"), optional=("table1", "table2")),
    "peers": Entry("peers", experiments=("baselines",), optional=("table1", "table2")),
    "shape": Entry("shape", experiments=("shape",), optional=("table1",)),
}
STUDY = Study(
    "journal",
    Source(
        words="the paper by van der Wal, Strisciuglio, Azzopardi and Mocanu (2025)",
        title="Multilayer perceptron ensembles in a truly sparse training context",
        address="https://doi.org/10.1007/s00521-025-11294-3",
    ),
    TABLES,
    FIGURES,
)
