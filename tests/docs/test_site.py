"""The site in a browser: nothing scrolls sideways, axe-core finds no serious problem, and keys alone are enough."""

import json
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
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


def drawn(browser):
    """Wait until every chart of a page is drawn; return how many there are."""
    charts = "document.querySelectorAll('script[data-chart]').length"
    browser.wait(f"document.querySelectorAll('.claims-charts svg.marks').length == {charts}")
    return browser.value(charts)


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
    drawn(browser)
    assert problems(browser) == []


def test_a_chart_has_a_name_and_what_can_be_chosen_is_no_part_of_it(browser):
    browser.open(CLAIMS)
    assert drawn(browser) == 2
    assert browser.value("document.querySelectorAll('.claims-charts select').length") == 1
    inside = "document.querySelectorAll(':is([role=img], [role^=graphics]) :is(select, input, button, a[href])').length"
    assert browser.value(inside) == 0
    names = "[...document.querySelectorAll('.claims-charts [role=graphics-document]')].map(one => one.ariaLabel)"
    assert [name.split(":")[0] for name in browser.value(names)] == ["Chart", "Chart"]
    tab_to(browser, "one.tagName == 'SELECT' && one.closest('.claims-charts') !== null")
    assert focused(browser, "one.labels.length == 1 && one.labels[0].textContent.startsWith('Dataset')")


def test_every_topic_shows_its_claims_and_says_their_verdicts(browser):
    paths = (SITE.parents[1] / "results").glob("*/tables/*verdicts.csv")
    claims = pd.concat([pd.read_csv(path, keep_default_na=False) for path in paths])
    browser.open(CLAIMS)
    choose = """(topic => {
        const form = document.querySelector(".claims-form");
        form.topic.value = topic;
        form.topic.dispatchEvent(new Event("input", { bubbles: true }));
        const shown = [...document.querySelectorAll("table.claims tbody tr")].filter((row) => !row.hidden);
        return [shown.length, shown.every((row) => row.dataset.topic === topic), form.querySelector("output").value];
    })"""
    assert claims["topic"].nunique() > 20
    for topic, own in claims.groupby("topic"):
        count, alike, said = browser.value(f"{choose}({json.dumps(topic)})")
        assert (count, alike) == (len(own), True), topic
        head, _, verdicts = said.partition(": ")
        assert head == f"{len(own)} of {len(claims)} claims"
        counts = own["verdict"].value_counts()
        assert sorted(verdicts.split(", ")) == sorted(f"{number} {verdict}" for verdict, number in counts.items())


@pytest.mark.parametrize(("chart", "says"), [("cost", "training_operations"), ("print", "published")])
def test_a_chart_answers_to_the_pointer(browser, chart, says):
    browser.open(CLAIMS)
    drawn(browser)
    mark = f"document.querySelector('#chart-{chart} .mark-symbol.role-mark path')"
    browser.value(f"{mark}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
    tip = "document.querySelector('#vg-tooltip-element.visible')"
    assert browser.value(f"{tip} === null")
    middle = f"(box => [box.x + box.width / 2, box.y + box.height / 2])({mark}.getBoundingClientRect())"
    browser.point(*browser.value(middle))
    browser.wait(f"{tip} !== null")
    assert says in browser.value(f"{tip}.textContent")
    browser.point(1, 1)
    browser.wait(f"{tip} === null")


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
