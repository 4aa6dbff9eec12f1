"""The check of links finds what leads nowhere, and nothing else."""

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="the documentation's tools are not installed (extra: docs)")
FILE = Path(__file__).parents[2] / "docs/extensions/links.py"


@pytest.fixture
def links():
    spec = importlib.util.spec_from_file_location("docs_links", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_broken_links_are_found(links, tmp_path):
    (tmp_path / "part").mkdir()
    (tmp_path / "a b.png").write_bytes(b"")
    (tmp_path / "index.html").write_text(
        '<h1 id="top"></h1><a href="#top"></a><a href="part/page.html#here"></a><img src="a%20b.png">'
        '<a href="https://example.org/none"></a><a href="part/page.html#there"></a><a href="none.html"></a>'
    )
    (tmp_path / "part/page.html").write_text('<p id="here"></p><a href="../index.html?x=1#top"></a><a href="#up"></a>')
    assert sorted(links.broken(tmp_path)) == [
        "index.html: none.html is not there",
        "index.html: part/page.html#there has no such anchor",
        "part/page.html: #up has no such anchor",
    ]
