"""The site in a browser: nothing scrolls sideways, axe-core finds no serious problem, and keys alone are enough."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

SITE = Path(__file__).parents[2] / "docs/_build"
PAGES = sorted(page.relative_to(SITE).as_posix() for page in SITE.rglob("*.html"))
CLAIMS = SITE / "claims.html"
WIDTHS = (420, 1000, 1200, 1600)
#: Pages that have between them every kind of thing: code, tables, formulas, pictures, charts, examples, the API.
CHECKED = (
    "index",
    "claims",
    "settings",
    "algorithms",
    "across",
    "performance",
    "workflow",
    "api",
    "examples/plot_1_inside",
)
SERIOUS = ("serious", "critical")
#: Serious for later versions of axe-core.
ALSO = "scrollable-region-focusable"

pytestmark = pytest.mark.skipif(not CLAIMS.exists(), reason="the documentation is not built: make site")


def needed_width(browser):
    """Return how wide the page is when nothing is cut off."""
    return browser.value("document.scrollingElement.scrollWidth")


def problems(browser):
    """Return what axe-core finds serious on a page: (rule, elements)."""
    package = find_spec("axe_core_python")
    if package is None:
        pytest.skip("axe-core-python is not installed (extra: test)")
    (folder,) = package.submodule_search_locations
    browser.value((Path(folder) / "axe.min.js").read_text(encoding="utf-8") + "; 0")
    said = json.loads(browser.value("axe.run({resultTypes: ['violations']}).then(JSON.stringify)"))
    return [
        (problem["id"], [node["html"][:200] for node in problem["nodes"]])
        for problem in said["violations"]
        if problem["impact"] in SERIOUS or problem["id"] == ALSO
    ]


def test_what_is_wrong_is_found(browser):
    browser.size(420)
    browser.open(
        "data:text/html,<html lang=en><title>x</title><input><p style='width: 500px; color: silver'>pale and wide"
    )
    assert needed_width(browser) > 420
    assert {"label", "color-contrast"} <= {rule for rule, _ in problems(browser)}


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_scrolls_sideways(browser, width):
    browser.size(width)
    found = {}
    for page in PAGES:
        browser.open(SITE / page)
        found[page] = needed_width(browser)
    assert {page: needed for page, needed in found.items() if needed > width} == {}


@pytest.mark.parametrize("width", [420, 1200])
@pytest.mark.parametrize("page", CHECKED)
def test_axe_finds_no_serious_problem(browser, page, width):
    browser.size(width)
    browser.open(SITE / f"{page}.html")
    assert problems(browser) == []


def focused(browser, what):
    """Return what an expression says of the element that has the focus."""
    return browser.value(f"(one => {what})(document.activeElement)")


def tab_to(browser, condition, most=200):
    """Press Tab until the element with the focus fulfils a condition."""
    for _ in range(most):
        browser.press("Tab")
        if focused(browser, condition):
            return
    raise AssertionError(f"no Tab of {most} leads to {condition}")


def test_filters_work_by_keys_alone(browser):
    browser.open(CLAIMS)
    tab_to(browser, "one.name == 'study'")
    for name in ("study", "topic", "verdict", "words"):
        assert focused(browser, "one.name") == name
        assert focused(browser, "one.labels.length == 1 && one.labels[0].textContent.trim().length > 0")
        assert focused(browser, "getComputedStyle(one).outlineStyle") != "none"
        if name != "words":
            browser.press("Tab")
    for key in "omega":
        browser.press(key)
    shown = "[...document.querySelectorAll('table.claims tbody tr')].filter(row => !row.hidden).length"
    assert f"{browser.value(shown)} of" in browser.value("document.querySelector('.claims-form output').value")
    browser.press("Tab", modifiers=8)
    assert focused(browser, "one.name") == "verdict"
    before = focused(browser, "one.value")
    browser.press("ArrowDown")
    browser.wait("document.activeElement.value != ''")
    assert before == ""
    chosen = focused(browser, "one.value")
    verdicts = "[...document.querySelectorAll('table.claims tbody tr:not([hidden])')].map(row => row.dataset.verdict)"
    assert set(browser.value(verdicts)) <= {chosen}


def test_rows_open_by_keys_alone(browser):
    browser.open(CLAIMS, "#study=spas")
    tab_to(browser, "one.tagName == 'SUMMARY' && one.closest('tr') !== null")
    assert focused(browser, "one.closest('tr').dataset.study") == "spas"
    assert focused(browser, "getComputedStyle(one).outlineStyle") != "none"
    browser.press("Enter")
    browser.wait("document.activeElement.parentElement.open")
    browser.press("Tab")
    link = focused(browser, "one.closest('details') && one.href")
    assert link
    assert Path(link.removeprefix("file://")).exists()
