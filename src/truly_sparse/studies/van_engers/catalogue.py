"""Every table and figure of van Engers' paper: which file makes it, and what it draws on."""

from truly_sparse.analysis.study import Entry, Source, Study

STUDY = Study(
    "van_engers",
    Source(
        words="the paper by van Engers (2021)",
        title="Towards understanding and modelling sparse training algorithms at extreme sparsity regime",
        address="https://essay.utwente.nl/",
    ),
    tables={},
)
