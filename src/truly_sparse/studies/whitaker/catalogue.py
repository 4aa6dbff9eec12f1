"""Every table and figure of the study: which file makes it, and what it draws on."""

from truly_sparse.analysis.study import Entry, Source, Study

SMALL, LARGE, PARTS, RATES, SPARSITY, SIZE, ANNEALING, DIVERSITY, SPLIT, SPARSE, EARLY = EXPERIMENTS = (
    "whitaker_small", "whitaker_large", "whitaker_parts", "whitaker_rates", "whitaker_sparsity", "whitaker_size",
    "whitaker_annealing", "whitaker_diversity", "whitaker_split", "whitaker_sparse_parent", "whitaker_early",
)  # fmt: skip
#: Convolutional networks, with claims of their own: of Tables 5.1 and 6.1.
LENET, LENET_ANNEALING = CONVOLUTIONAL = ("whitaker_lenet", "whitaker_lenet_annealing")
#: What verdicts are drawn from, beside runs, where it has been measured.
MEASUREMENTS = ("noise", "saliency", "landscape", "tuning")
TABLES = {
    "whitaker_table5_1": Entry("table5_1", experiments=(SMALL,), optional=(LENET,)),
    "whitaker_table5_2": Entry("table5_2", experiments=(LARGE,)),
    "whitaker_table5_3": Entry("table5_3", experiments=(PARTS,)),
    "whitaker_table4_1": Entry("table4_1", measurements=("noise",)),
    "whitaker_table6_1": Entry("table6_1", experiments=(ANNEALING,), optional=(LENET_ANNEALING,)),
    "whitaker_table6_2": Entry("table6_2", experiments=(LARGE,)),
    "whitaker_table7_1": Entry("table7_1", experiments=(DIVERSITY,)),
    "whitaker_methods": Entry("methods", experiments=(LARGE,)),
    "whitaker_controls": Entry("controls", experiments=(LARGE,), optional=(SMALL,)),
    "whitaker_rates": Entry("rates", experiments=(RATES,)),
    "whitaker_split": Entry("split", experiments=(SPLIT,)),
    "whitaker_sparse_parent": Entry("sparse_parent", experiments=(SPARSE,), optional=(LARGE,)),
    "whitaker_verdicts": Entry(
        "verdicts",
        experiments=(LARGE,),
        optional=(*(name for name in EXPERIMENTS if name != LARGE), *CONVOLUTIONAL),
        optional_measurements=MEASUREMENTS,
    ),
}
FIGURES = {
    "whitaker_figure4_2": Entry("figure4_2", measurements=("noise",)),
    "whitaker_figure4_3": Entry("figure4_3", measurements=("noise",)),
    "whitaker_figure5_4": Entry("figure5_4", experiments=(SPARSITY,)),
    "whitaker_figure5_5": Entry("figure5_5", experiments=(SIZE,)),
    "whitaker_figure5_7": Entry("figure5_7", measurements=("landscape",)),
    "whitaker_figure6_1": Entry("figure6_1", experiments=(ANNEALING,)),
    "whitaker_figure6_2": Entry("figure6_2", experiments=(ANNEALING,)),
    "whitaker_figure6_2_epochs": Entry("figure6_2_epochs", measurements=("tuning",)),
    "whitaker_figure6_3": Entry("figure6_3", experiments=(ANNEALING,)),
    "whitaker_figure7_1": Entry("figure7_1", experiments=(DIVERSITY,)),
    "whitaker_figure7_4": Entry("figure7_4", measurements=("saliency",)),
}
STUDY = Study(
    "whitaker",
    Source(
        words="the dissertation by Whitaker (2023)",
        title="Subnetwork Ensembles",
        address="https://arxiv.org/abs/2311.14101",
    ),
    TABLES,
    FIGURES,
)
