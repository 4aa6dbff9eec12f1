"""Every table and figure of SPaS: which file makes it, and what it draws on."""

from truly_sparse.analysis.study import Entry, Source, Study

_CONVOLUTIONAL = ("spas_cnn", "spas_cnn_budgets", "spas_cnn_ratio", "spas_cnn_ensembles")
TABLES = {
    "spas_table2": Entry("table2"),
    "spas_table3": Entry("table3", experiments=("spas_cifar",)),
    "spas_table4": Entry("table4", experiments=("spas_cnn",)),
    "spas_table5": Entry("table5", experiments=("spas_cifar", "spas_tabular"), optional=("spas_cnn",)),
    "spas_table7": Entry("table7", experiments=("spas_budgets",), optional=("spas_cnn_budgets",)),
    "spas_table8": Entry("table8", experiments=("spas_budgets",), optional=("spas_cnn_budgets",)),
    "spas_table9": Entry("table9", experiments=("spas_budgets",)),
    "spas_fashion": Entry("fashion", experiments=("spas_fashion",)),
    "spas_start": Entry("start", experiments=("spas_start",), optional=("spas_cifar", "spas_tabular")),
    "spas_choices": Entry("choices", experiments=("spas_choices", "spas_cifar", "spas_tabular")),
    "spas_ensembles": Entry("ensembles", experiments=("spas_ensembles",)),
    "spas_depth": Entry("depth", measurements=("depth",)),
    "spas_cnn_storage": Entry("cnn_storage", experiments=("spas_cnn_storage",)),
    "spas_cnn_ensembles": Entry("cnn_ensembles", experiments=("spas_cnn_ensembles",)),
    "spas_verdicts": Entry(
        "verdicts",
        experiments=("spas_cifar",),
        optional=("spas_tabular", "spas_budgets", "spas_ratio", "spas_start", *_CONVOLUTIONAL),
        optional_measurements=("depth",),
    ),
}
FIGURES = {
    "spas_figure3": Entry("figure3", experiments=("spas_cifar",), optional=("spas_cnn",)),
    "spas_figure4": Entry("figure4", experiments=("spas_tabular",)),
    "spas_figure5": Entry("figure5", experiments=("spas_cnn_ratio",)),
    "spas_figure6": Entry("figure6", experiments=("spas_ratio",)),
    "spas_figure7": Entry("figure7", experiments=("spas_tabular",)),
}
STUDY = Study(
    "spas",
    Source(
        words="the thesis by Muller (2023)",
        title="SPaS: Sparse Parameterized Shortcut Connections for Dynamic Sparse-to-Sparse Training",
        address="https://github.com/MaukWM/SPaS",
    ),
    TABLES,
    FIGURES,
)
