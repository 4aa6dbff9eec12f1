"""Studies are found by their folders, and their tables and figures by names that no other study has."""

import re
from itertools import combinations
from pathlib import Path

import pytest

from truly_sparse.errors import UserError
from truly_sparse.experiments.configuration import load_config, load_configs, study_names
from truly_sparse.studies.discovery import find, owner, part

ROOT = Path(__file__).parents[2]
#: Its tables and figures are called as they are printed; those of other studies begin with their name.
FIRST = "journal"


@pytest.mark.parametrize("name", study_names())
def test_a_study_has_its_files_and_says_what_it_reproduces(name):
    study = find(name)
    assert study.name == name
    assert study.source.address.startswith("https://")
    assert load_config(ROOT / f"config/{name}.yaml")["preset"] == "paper"
    for kind, entries in (("tables", study.tables), ("figures", study.figures)):
        for entry in entries.values():
            assert part(name, f"{kind}.{entry.module}").__doc__


@pytest.mark.parametrize("name", study_names())
def test_names_of_targets_say_whose_they_are(name):
    study = find(name)
    if name != FIRST:
        assert all(re.match(f"{name}_", target) for target in (*study.tables, *study.figures))


def test_a_name_belongs_to_one_study():
    names = [{name, *find(name).tables, *find(name).figures} for name in study_names()]
    assert not any(one & other for one, other in combinations(names, 2))


def test_a_table_finds_its_configuration(monkeypatch):
    monkeypatch.chdir(ROOT)
    configs = load_configs()
    assert owner("table", "table1", configs)["study"] == "journal"
    assert owner("figure", "accuracy", configs)["study"] == "journal"
    assert owner("table", "spas_table2", configs)["study"] == "spas"
    assert owner("table or figure", "accuracy", configs) == owner("figure", "accuracy", configs)
    with pytest.raises(UserError, match='unknown table "spas_tabel9"; did you mean "spas_table9"'):
        owner("table", "spas_tabel9", configs)
    with pytest.raises(UserError, match='"thesis_figure9" is a figure, not a table; `snakemake'):
        owner("table", "thesis_figure9", configs)
