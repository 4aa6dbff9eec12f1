"""The page of claims: every claim is there with what lies behind it, and filters and charts work without a network."""

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import pandas as pd
import pytest

from truly_sparse.studies.discovery import find

ROOT = Path(__file__).parents[2]
SITE = ROOT / "docs/_build"
PAGE = SITE / "claims.html"
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
STUDIES = ("journal", "thesis", "spas", "van_engers", "whitaker")
#: A claim from its row's beginning to its end, with its study and verdict.
WHOLE = re.compile(r'<tr id="\S+" data-study="(.*?)" data-topic=".*?" data-verdict="(.*?)"[^>]*>(.*?)</tr>', re.DOTALL)
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


def cell(row, label):
    """Return what a row says below a heading."""
    (said,) = re.findall(rf'<td data-label="{label}">(.*?)</td>', row)
    return unescape(said)


def drawn_on(study):
    """Return what figures of a study that are there show: names of experiments and measurements."""
    figures = find(study).figures.items()
    there = [entry for name, entry in figures if (ROOT / "results" / study / f"figures/{name}.png").exists()]
    return {source for entry in there for source in (*entry.experiments, *entry.measurements)}


def test_what_lies_behind_a_claim_is_there(verdicts):
    page = PAGE.read_text(encoding="utf-8")
    for link in set(re.findall(r'href="(_static/results/[^"]+)"', page)):
        assert (SITE / link).read_bytes() == (ROOT / link.removeprefix("_static/")).read_bytes(), link
    rows = WHOLE.findall(page)
    assert len(rows) == len(verdicts)
    shown = {study: drawn_on(study) for study in STUDIES}
    for (study, verdict, row), claim in zip(rows, verdicts["claim"], strict=True):
        links = [Path(link) for link in re.findall(r'href="_static/results/([^"]+)"', row)]
        sources = {link.stem for link in links if link.parts[1] == "records"}
        if verdict == "not tested":
            continue
        assert sources, f"{study}, {claim}: no records and no measurement"
        tables = [link for link in links if link.suffix == ".csv" and link.parts[1] != "records"]
        assert tables, f"{study}, {claim}: no table"
        pictures = [link for link in links if link.suffix == ".png"]
        assert pictures or not sources & shown[study], f"{study}, {claim}: no figure"
        assert re.search(r"\d", cell(row, "Runs")), f"{study}, {claim}: no number of runs"
        assert "<dt>Rule: " in row


def test_runs_behind_a_claim_are_counted_once_and_of_its_dataset(verdicts):
    rows = dict(zip(verdicts["study"] + " " + verdicts["claim"], WHOLE.findall(PAGE.read_text("utf-8")), strict=True))
    records = (ROOT / "results/journal/records/table1.jsonl").read_text(encoding="utf-8").splitlines()
    of_gesture = sum(json.loads(line)["dataset"] == "gesture" for line in records)
    assert cell(rows["journal agreement/gesture"][2], "Runs") == str(of_gesture)
    noise = pd.read_csv(ROOT / "results/whitaker/records/noise.csv")
    assert cell(rows["whitaker n1/accuracy"][2], "Runs") == f"{len(noise):,} measured"
    files = [ROOT / f"results/journal/records/{name}.jsonl" for name in ("refinement", "table1")]
    several = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    (claim,) = verdicts[(verdicts["read"] == "table3, table1") & (verdicts["dataset"] == "gesture")].index[:1]
    once = {one["settings_hash"] for one in several if one["dataset"] == "gesture"}
    assert cell(rows[f"journal {verdicts.loc[claim, 'claim']}"][2], "Runs") == str(len(once))
    assert len(once) < sum(one["dataset"] == "gesture" for one in several)


def test_an_interval_has_a_column_of_its_own(verdicts):
    rows = WHOLE.findall(PAGE.read_text(encoding="utf-8"))
    found = 0
    for (study, _, row), (ours, note) in zip(rows, verdicts[["ours", "note"]].to_numpy(), strict=True):
        interval = cell(row, "Interval")
        if interval != "–":
            found += 1
            assert interval in f"{ours} {note}"
            assert interval not in cell(row, "Here")
        else:
            assert "95 % interval" not in note, f"{study}: {note}"
            assert not re.search(r"\([−+\d.]+×? to ", ours), f"{study}: {ours}"
    assert found > 50


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"study": "spas"},
        {"verdict": "confirmed"},
        {"topic": "Plain networks"},
        {"study": "journal", "topic": "Cost", "verdict": "different but explained"},
        {"study": "thesis", "words": "ε = 10"},
    ],
)
def test_filters_show_what_they_say(verdicts, chosen):
    rows, source = shown("#" + urlencode(chosen) if chosen else "")
    wanted = verdicts
    for name in ("study", "topic", "verdict"):
        if name in chosen:
            wanted = wanted[wanted[name] == chosen[name]]
    seen = sum(not hidden for *_, hidden in rows)
    if "words" not in chosen:
        assert seen == len(wanted) > 0
    else:
        assert 0 < seen < len(wanted)
    assert source.count('class="marks"') == 2  # both charts are drawn
