"""Table 6c: other choices where the sources are silent, against numbers worked out run by run."""

import numpy as np
import pandas as pd
import pytest

from truly_sparse.experiments.grid import runs
from truly_sparse.experiments.records import run_folder
from truly_sparse.files import write_json
from truly_sparse.studies import make

from ..conftest import record_of


def accuracy_of(spec):
    """Different for every run, so that a wrong pair cannot give the right difference."""
    return 0.5 + int(spec.settings_hash, 16) % 10_000 / 25_000


@pytest.fixture
def measured(paper, repository):
    found = [*runs(paper, "sensitivity"), *runs(paper, "table1")]
    for spec in found:
        accuracy = record_of(spec)["accuracy"] | {"test": accuracy_of(spec)}
        write_json(repository / run_folder(paper, spec) / "run.json", record_of(spec, accuracy=accuracy))
    return paper, repository, {spec.path: spec for spec in found}


def read(config):
    csv, tex = make.table(config, "sensitivity")
    return pd.read_csv(csv), tex.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("method", "other", "as_in_table1", "choice", "instead"),
    [
        ("edst_rg", "eps20_selectionlast", "eps20", "selection", "last"),
        ("dist_tse", "eps20_zeta0.3_lambda1.5", "eps20_lambda1.5", "prune_fraction", "0.3"),
        ("dist_tse", "eps20_distanceall_pairs_lambda1.5", "eps20_lambda1.5", "distance", "all pairs"),
        ("fd_tse", "eps20_decay_times_etatrue", "eps20", "decay_times_learning_rate", "yes"),
        ("static", "eps20_start_valuesxavier", "eps20", "init", "xavier"),
    ],
)
def test_a_choice_is_compared_with_table_1_seed_by_seed(measured, method, other, as_in_table1, choice, instead):
    config, _, specs = measured
    frame, _ = read(config)
    gains = [
        100 * accuracy_of(specs[f"sensitivity/gesture/{method}/{other}/seed{seed}"])
        - 100 * accuracy_of(specs[f"table1/gesture/{method}/{as_in_table1}/seed{seed}"])
        for seed in range(3)
    ]
    row = frame[(frame["method"] == method) & (frame["choice"] == choice) & (frame["instead"] == instead)].iloc[0]
    assert (row["points"], row["points_std"]) == pytest.approx((np.mean(gains), np.std(gains, ddof=1)))
    assert row["seeds"] == 3
    first = frame[(frame["method"] == method) & frame["choice"].isna()].iloc[0]
    assert first["value"] == pytest.approx(row["value"] - row["points"])
    assert first["published"] == row["published"]


def test_every_run_of_the_experiment_has_its_counterpart(measured):
    config, _, specs = measured
    frame, text = read(config)
    changed = frame[frame["choice"].notna()]
    assert changed["seeds"].sum() == sum(spec.experiment == "sensitivity" for spec in specs.values())
    assert not changed.duplicated(["method", "choice", "instead"]).any()
    assert "as in Table 1" in text


def test_a_run_without_its_counterpart_is_left_out(measured):
    config, repository, specs = measured
    for seed in range(3):
        (repository / run_folder(config, specs[f"table1/gesture/set_mlp/eps20/seed{seed}"]) / "run.json").unlink()
    frame, _ = read(config)
    assert "set_mlp" not in set(frame["method"])
    assert "edst_rg" in set(frame["method"])


def test_a_diverged_run_is_in_no_mean(measured):
    config, repository, specs = measured
    spec = specs["sensitivity/gesture/set_mlp/eps20_zeta0.1/seed1"]
    write_json(repository / run_folder(config, spec) / "run.json", record_of(spec, status="diverged"))
    frame, _ = read(config)
    row = frame[(frame["method"] == "set_mlp") & (frame["instead"] == "0.1")].iloc[0]
    assert row["seeds"] == 2
