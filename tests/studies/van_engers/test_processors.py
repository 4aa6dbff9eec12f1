"""Tables and figures come out the same, byte for byte, on processors with other vector instructions."""

from truly_sparse.studies import make
from truly_sparse.studies.discovery import find

from ..journal.test_processors import PROCESSORS, _python

STUDY = find("van_engers")
WRITE = f"""
from truly_sparse.studies import make
from truly_sparse.experiments.configuration import load_config
config = load_config("config/van_engers.yaml") | {{"reuse_records": False, "train": False}}
for name in {list(STUDY.tables)}:
    make.table(config, name)
for name in {list(STUDY.figures)}:
    make.figure(config, name)
"""


@PROCESSORS
def test_what_is_made_of_runs_is_the_same(settings, whole, repository):
    for name in STUDY.tables:
        make.table(whole, name)
    for name in STUDY.figures:
        make.figure(whole, name)
    results = repository / "results/van_engers"
    made = {file: file.read_bytes() for kind in ("tables", "figures") for file in (results / kind).iterdir()}
    assert len(made) == len(STUDY.tables) + 2 * len(STUDY.figures)
    _python(WRITE, settings, repository)
    assert [file.name for file, content in made.items() if file.read_bytes() != content] == []
