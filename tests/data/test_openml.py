"""The real `openml` client, talking to a server on the loopback that serves made-up datasets and faults."""

import builtins
import hashlib
import sys

import numpy as np
import openml
import pandas as pd
import pytest

from truly_sparse.data import fetch, openml_source
from truly_sparse.data.prepare import about_of, prepare
from truly_sparse.errors import UserError

NUMBER = 44120

DESCRIPTION = """<oml:data_set_description xmlns:oml="http://openml.org/openml">
  <oml:id>{number}</oml:id><oml:name>toy</oml:name><oml:version>1</oml:version>
  <oml:description>made up</oml:description><oml:format>ARFF</oml:format>
  <oml:licence>Public</oml:licence><oml:url>{base}/data/v1/download/7/toy.arff</oml:url>
  <oml:parquet_url>{base}/parquet/toy.pq</oml:parquet_url><oml:file_id>7</oml:file_id>
  <oml:default_target_attribute>kind</oml:default_target_attribute><oml:status>active</oml:status>
  <oml:md5_checksum>{md5}</oml:md5_checksum>
</oml:data_set_description>"""
UNKNOWN = """<oml:error xmlns:oml="http://openml.org/openml">
  <oml:code>111</oml:code><oml:message>Unknown dataset</oml:message>
  <oml:additional_information>none of that number</oml:additional_information>
</oml:error>"""


def arff_of(table: pd.DataFrame, sparse: bool = False) -> str:
    """Write a table as ARFF; its last column is nominal."""
    *features, target = table.columns
    names = sorted(table[target].unique())
    head = ["% made up", "@RELATION toy", *(f"@ATTRIBUTE '{name}' REAL" for name in features)]
    head += [f"@ATTRIBUTE {target} {{{','.join(names)}}}", "@DATA"]
    rows = []
    for row in table.itertuples(index=False):
        if sparse:
            cells = [f"{i} {value!r}" for i, value in enumerate(row[:-1]) if value]
            rows.append("{" + ", ".join(cells + ([f"{len(row) - 1} {row[-1]}"] if row[-1] != names[0] else [])) + "}")
        else:
            rows.append(",".join([*("?" if pd.isna(value) else repr(value) for value in row[:-1]), str(row[-1])]))
    return "\n".join(head + rows) + "\n"


class OpenML:
    """What the server of OpenML answers; `faults` maps a part of a path to the answers it gives first."""

    def __init__(self, server) -> None:
        self.server, self.faults = server, {}
        self.md5 = None
        self.serve(toy())
        server.answers = self.answer

    def serve(self, table: pd.DataFrame, **how: bool) -> None:
        self.arff = arff_of(table, **how).encode()

    def answer(self, path: str) -> dict:
        for part, given in self.faults.items():
            if part in path and given:
                return given.pop(0)
        if path.startswith(f"/api/v1/xml/data/{NUMBER}"):
            md5 = self.md5 or hashlib.md5(self.arff).hexdigest()
            text = DESCRIPTION.format(number=NUMBER, base=self.server.base, md5=md5)
            return {"body": text.encode(), "kind": "text/xml"}
        if path.startswith("/data/v1/download/7"):
            return {"body": self.arff, "kind": "text/plain; charset=utf-8"}
        return {"body": UNKNOWN.encode(), "status": 412, "kind": "text/xml"}

    def asked(self, part: str) -> int:
        return sum(part in path for path, _ in self.server.asked)


def toy() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    numbers = rng.normal(size=(40, 3)).tolist()
    return pd.DataFrame(numbers, columns=["a b", "c", "d"]).assign(kind=["no", "yes"] * 20)


@pytest.fixture
def web(server, tmp_path, monkeypatch):
    """An `OpenML` that the client talks to, with a cache of its own."""
    monkeypatch.setattr(openml.config, "server", f"{server.base}/api/v1/xml")
    monkeypatch.setattr(openml.config, "_root_cache_directory", tmp_path / "openml")
    monkeypatch.setenv("no_proxy", "*")
    return OpenML(server)


@pytest.fixture
def place(make_place, web):
    """A dataset that comes from OpenML or else over HTTPS, where there is nothing."""
    entry = {
        "reader": "table",
        "sources": [{"openml": NUMBER}, {"https": f"{web.server.base}/nothing.csv", "name": "benchmark"}],
        "files": {"nothing.csv": None},
        "target": "kind",
        "rows": 40,
        "features": 3,
        "class_counts": {"no": 20, "yes": 20},
    }
    return make_place("toy", entry)


def test_the_table_is_the_one_served(place, web):
    table = pd.read_parquet(place.prepare())
    assert np.array_equal(table[["a b", "c", "d"]], toy()[["a b", "c", "d"]])
    assert table["target"].tolist() == [0, 1] * 20
    about = about_of(place.data / "toy.parquet")
    assert about["source"] == f"OpenML {NUMBER}"
    assert list(about["inputs"].values()) == [hashlib.sha256(web.arff).hexdigest()]
    assert web.asked("parquet") == 0


def test_other_rows_than_registered_are_told_apart(place, web, capsys):
    place.prepare()
    content = about_of(place.data / "toy.parquet")["content"]
    place.write(content=content)
    assert about_of(place.prepare())["order"] == "as registered"
    for table, words in ((toy()[::-1], "same rows, other order"), (toy().assign(c=1.0), "other values")):
        web.serve(table)
        place.data = place.data.with_name(f"{place.data.name}+")
        openml.config.set_root_cache_directory(place.data / "openml")
        assert about_of(place.prepare())["order"] == words
        assert f"toy from OpenML {NUMBER}: {words}" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["text/html", "text/plain"])
def test_a_server_that_recovers_is_asked_again(place, web, kind):
    web.faults = {"/data/": [{"status": 503, "body": b"<html>busy", "kind": kind}] * 2}
    assert about_of(place.prepare())["source"].startswith("OpenML")


def test_a_broken_connection_is_tried_again(place, web):
    web.faults = {"download": [{"body": web.arff, "headers": {"X-Cut": "100"}}]}
    assert about_of(place.prepare())["source"].startswith("OpenML")


def test_a_slow_server_is_a_fault_that_may_pass(place, web, monkeypatch):
    monkeypatch.setattr(fetch, "TIMEOUT_SECONDS", 0.2)
    web.faults = {"/xml/data/": [{"body": b"", "wait": 0.6}]}
    assert about_of(place.prepare())["source"].startswith("OpenML")


@pytest.mark.parametrize(
    ("fault", "part", "words"),
    [
        ({"body": UNKNOWN.encode(), "status": 412}, "/xml/data/", r"Unknown dataset.*\(code 111\)"),
        ({"status": 404, "body": b"gone"}, "/xml/data/", "Unexpected server error.*Status code: 404"),
        ({"status": 302, "headers": {"Location": f"/api/v1/xml/data/{NUMBER}"}}, "/xml/data/", "30 redirects"),
        ({"body": b"<html>log in</html>"}, "/xml/data/", "description cannot be read"),
        ({"body": b"<oml:data_set_descr"}, "/xml/data/", "malformed"),
        ({"body": b"other content"}, "download", "another MD5"),
        ({"status": 500, "body": b"broken"}, "download", "Status code: 500"),
    ],
)
def test_a_fault_that_stays_is_named_beside_the_other_sources(place, web, fault, part, words):
    web.faults = {part: [fault] * 100}
    with pytest.raises(UserError, match=words) as error:
        place.prepare()
    assert f"OpenML {NUMBER}: " in str(error.value)
    assert "benchmark: " in str(error.value)
    assert "\n" not in str(error.value)
    assert place.nothing_left()


def test_the_next_source_is_tried(place, web):
    web.faults = {"/xml/data/": [{"status": 500, "body": b"down"}] * 100}
    csv = toy().to_csv(index=False).encode()
    web.faults["nothing.csv"] = [{"body": csv}]
    assert about_of(place.prepare())["source"] == "benchmark"


def test_no_server_at_all_is_one_line_in_seconds(place, monkeypatch):
    monkeypatch.setattr(openml.config, "server", "http://127.0.0.1:9/api/v1/xml")
    with pytest.raises(UserError, match=r"OpenML 44120: no answer \(ConnectionError\)"):
        place.prepare()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda table: table[:-4], "has only 36 of 40 rows"),
        (lambda table: pd.concat([table, table[:2]]), "has more rows than the 40 that the registry says"),
        (lambda table: table.drop(columns="c"), "has 2 features, the registry says 3"),
        (lambda table: table.assign(kind=["no"] * 19 + ["yes"] * 21), "has classes"),
        (lambda table: table.assign(kind=["no", "maybe"] * 20), "has a class 'maybe'"),
        (lambda table: table.rename(columns={"kind": "sort"}), "has no column kind"),
        (lambda table: table.assign(c=[np.nan] + [1.0] * 39), "column c, row 0 is missing"),
    ],
)
def test_a_table_that_changed_is_refused(place, web, change, words):
    web.serve(change(toy()))
    with pytest.raises(UserError, match=words):
        place.prepare()
    assert place.nothing_left()


def test_a_file_that_is_no_arff_is_refused(place, web):
    web.arff = b"@RELATION toy\n@ATTRIBUTE a REAL\n@DATA\n1,2,3\n"
    with pytest.raises(UserError, match="not a readable ARFF file"):
        place.prepare()


@pytest.mark.parametrize("damaged", ["dataset.arff", "description.xml"])
def test_a_corrupt_cache_heals_itself(place, damaged, tmp_path):
    path = place.prepare()
    content = path.read_bytes()
    path.unlink()
    (cached,) = (tmp_path / "openml").rglob(damaged)
    cached.write_text(cached.read_text()[:60])
    assert place.prepare().read_bytes() == content


def test_an_intact_cache_needs_no_network(place, web):
    place.prepare().unlink()
    web.faults = {"/": [{"status": 500}] * 100}
    assert about_of(place.prepare())["source"].startswith("OpenML")


def test_nothing_is_unpickled(place, tmp_path):
    place.prepare()
    assert not [path for path in (tmp_path / "openml").rglob("*") if "pkl" in path.name or "pickle" in path.name]


def test_sparse_arff_is_filled_in(place, web):
    table = toy()
    table.loc[::3, "c"] = 0.0
    web.serve(table, sparse=True)
    assert np.array_equal(pd.read_parquet(place.prepare())["c"], table["c"])


def test_long_files_come_in_pieces(place, monkeypatch):
    whole = place.prepare()
    monkeypatch.setattr(openml_source, "CHUNK", 7)
    pieces = place.prepare(folder=str(place.data) + "2")
    pd.testing.assert_frame_equal(pd.read_parquet(whole), pd.read_parquet(pieces))


def test_your_own_number_and_target_are_enough(web, tmp_path):
    table = toy().assign(c=[np.nan] + [1.0, 2.0, 3.0] * 13)
    web.serve(table)
    block = {"source": {"openml": NUMBER, "target": "kind"}, "missing": "median"}
    path = prepare("mine", {"folder": str(tmp_path / "data"), "mirror": None, "download": True}, block)
    assert pd.read_parquet(path)["c"].isna().sum() == 1
    assert about_of(path)["source"] == f"OpenML {NUMBER}"


def test_without_the_package_the_message_says_what_to_install(place, monkeypatch):
    real = builtins.__import__

    def refusing(name, *arguments, **options):
        if name == "openml":
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.delitem(sys.modules, "openml")
    monkeypatch.setattr(builtins, "__import__", refusing)
    with pytest.raises(UserError, match=r'openml is not installed; pip install "truly-sparse\[workflow\]"'):
        place.prepare()
