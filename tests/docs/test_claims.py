"""The page of claims: every claim is there with what lies behind it, and filters and charts work without a network."""

import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
SITE = ROOT / "docs/_build"
PAGE = SITE / "claims.html"
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
STUDIES = ("journal", "thesis", "spas", "van_engers", "whitaker")
ROW = re.compile(r'<tr id="(\S+)" data-study="(.*?)" data-topic="(.*?)" data-verdict="(.*?)"( hidden="")?>')

pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the documentation is not built: make docs")


@pytest.fixture(scope="module")
def verdicts():
    frames = []
    for study in STUDIES:
        (path,) = (ROOT / "results" / study / "tables").glob("*verdicts.csv")
        frames.append(pd.read_csv(path, keep_default_na=False).assign(study=study))
    return pd.concat(frames, ignore_index=True)


def shown(query=""):
    """Return the rows of the page as a browser has them, and its source."""
    if not BROWSER:
        pytest.skip("no Chromium here")
    options = ["--headless", "--no-sandbox", "--virtual-time-budget=10000", "--dump-dom", "--enable-logging=stderr"]
    offline = ["--host-resolver-rules=MAP * ~NOTFOUND"]
    done = subprocess.run(
        [BROWSER, *options, *offline, f"{PAGE.as_uri()}{query}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "CONSOLE" not in done.stderr, done.stderr
    return ROW.findall(done.stdout), done.stdout


def test_every_claim_is_there(verdicts):
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    found = [(study, unescape(topic), unescape(verdict)) for _, study, topic, verdict, _ in rows]
    wanted = verdicts[["study", "topic", "verdict"]].itertuples(index=False, name=None)
    assert found == list(wanted)
    assert len({anchor for anchor, *_ in rows}) == len(verdicts) > 300


def test_what_lies_behind_a_claim_is_there():
    links = set(re.findall(r'href="(_static/results/[^"]+)"', PAGE.read_text(encoding="utf-8")))
    assert len(links) > 50
    for link in links:
        assert (SITE / link).read_bytes() == (ROOT / link.removeprefix("_static/")).read_bytes(), link


@pytest.mark.parametrize(
    "chosen", [{}, {"study": "spas"}, {"verdict": "confirmed"}, {"study": "thesis", "words": "ε = 10"}]
)
def test_filters_show_what_they_say(verdicts, chosen):
    rows, source = shown("#" + urlencode(chosen) if chosen else "")
    wanted = verdicts
    for name in ("study", "verdict"):
        if name in chosen:
            wanted = wanted[wanted[name] == chosen[name]]
    seen = sum(not hidden for *_, hidden in rows)
    if "words" not in chosen:
        assert seen == len(wanted)
    else:
        assert 0 < seen < len(wanted)
    assert source.count('class="marks"') == 2  # both charts are drawn
