"""Settings of a fit: those of training, and those of what comes before it."""

from dataclasses import dataclass

from truly_sparse.training.config import TrainingConfig
from truly_sparse.training.settings import setting, settings_of


@dataclass(frozen=True, kw_only=True)
class FitConfig(TrainingConfig):
    """All settings of a fit; the defaults are the paper's."""

    preprocessing: str = setting(
        "standard",
        "Encoding of the features, learned from the training rows. Sparse X takes max_abs (the default then) and none.",
        choices=("piecewise_linear", "quantile", "standard", "max_abs", "none"),
    )
    bins: int = setting(32, "Ramps per feature of the piecewise-linear encoding.", least=1, most=10_000)
    pairs: int = setting(
        0,
        "Pairs of numeric features, at most, whose sums and differences are encoded as well. They are those that tell "
        "more together than each alone, of the piecewise-linear encoding.",
        least=0,
        most=1000,
    )
    effort: float = setting(
        1.0,
        "How many times as long training is where its epochs are worked out, from rows and classes.",
        above=0,
        most=10_000,
    )
    member_epochs: int = setting(50, "Epochs of every member.", least=2, most=1_000_000)
    parent_epochs: int = setting(
        250,
        "Epochs of the network that is trained first where all members come of it, by subnetworks or mc_dropout.",
        least=1,
        most=1_000_000,
    )
    validation_fraction: float = setting(
        0.2,
        "Part of the training rows that is held out for early stopping (a tenth, where the preset holds out none), for "
        "`selection` and for scores.",
        least=0,
        most=0.9,
    )
    calibration_fraction: float = setting(
        0.0,
        "Part of the training rows (at most 100,000) by which a classifier learns how sure to be, its `temperature_`: "
        "of a trial, two members that are trained for half of the time on the other rows. Rows that are held out for "
        "validation are taken instead, without a trial; there is none of fewer than 40 rows. 0: never.",
        least=0,
        most=0.9,
    )


#: Every setting by name.
SETTINGS = {name: one for name, one, _ in settings_of(FitConfig)}
#: What "auto" is, for the settings that may be that; `presets.fill_in` works it out.
AUTOMATIC = {
    "dropout": "0.35, or where epochs are worked out with an effort above 1 more: 0.45 for 3, at most 0.5",
    "epsilon": "5 for each class, at most 25, and less where that were more than 1.5 links for each row and class",
    "batch_size": "32 to 128, fewer where there are few rows",
    "exploration_epochs": "3 tenths of all epochs; these are `effort` times 10 to 150, in which training sees 125,000 "
    "rows for each class (at most 5)",
    "member_epochs": "an equal part of the epochs that exploration leaves",
    "parent_epochs": "half of as many epochs as an ensemble has in all where its children are tuned, else all of them",
    "child_epochs": "an eighth of them, at least 4, however many children there are",
    "epochs": "as many as an ensemble has in all",
}
