"""Every table and figure of van Engers' paper: which file makes it, and what it draws on.

Nothing is imported for it: the workflow reads this list each time it starts.
"""

from truly_sparse.analysis.study import Entry, Source, Study

_SWEEP = ("van_engers_zeta",)
_OTHERS = ("van_engers_images", "van_engers_sparsity", "van_engers_datasets", "van_engers_static")
TABLES = {
    "van_engers_table1": Entry("table1", experiments=_SWEEP),
    "van_engers_table2": Entry("table2", experiments=_SWEEP),
    "van_engers_fit": Entry("fit", experiments=_SWEEP),
    "van_engers_structure": Entry("structure", measurements=("pixels",)),
    "van_engers_images": Entry("images", experiments=(*_SWEEP, "van_engers_images")),
    "van_engers_sparsity": Entry("sparsity", experiments=("van_engers_sparsity",)),
    "van_engers_datasets": Entry("datasets", experiments=("van_engers_datasets",)),
    "van_engers_static": Entry("static", experiments=(*_SWEEP, "van_engers_static")),
    "van_engers_verdicts": Entry("verdicts", experiments=_SWEEP, optional=_OTHERS, optional_measurements=("pixels",)),
}
FIGURES = {
    "van_engers_figure3": Entry("figure3", experiments=_SWEEP),
    "van_engers_figure4": Entry("figure4", measurements=("pixels",)),
    "van_engers_figure5": Entry("figure5", experiments=_SWEEP),
}
STUDY = Study(
    "van_engers",
    Source(
        words="the paper by van Engers (2021)",
        title="Towards understanding and modelling sparse training algorithms at extreme sparsity regime",
        address="https://purl.utwente.nl/essays/86887",
    ),
    TABLES,
    FIGURES,
)
