"""The README says nothing that was not measured, and its code runs."""

import itertools
import json
import math
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from truly_sparse.analysis.formats import difference, interval, p_value
from truly_sparse.analysis.names import method_title
from truly_sparse.experiments.configuration import load_config
from truly_sparse.experiments.grid import runs
from truly_sparse.experiments.records import by_settings, distinct, gather

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ROW = re.compile(
    r"^\| (?P<name>[^|]+) \| (?P<epsilon>\d+|dense) \| (?P<published>[^|]+) \| (?P<here>[^|]+) \| (?P<seeds>\d+) \|"
)


def section(name: str) -> list[str]:
    inside = README.split(f"<!-- {name}", 1)[1].split("-->", 1)[1].split(f"<!-- /{name} -->", 1)[0]
    return [line for line in inside.splitlines() if line.startswith("|")][2:]


def cell(value: float, std: float) -> str:
    if pd.isna(value):
        return "–"
    return f"{value:.1f}" if pd.isna(std) else f"{value:.1f} ± {std:.1f}"


def test_the_table_is_the_csv():
    table = pd.read_csv(ROOT / "results/journal/tables/table1.csv")
    table = table[(table["metric"] == "test_accuracy") & (table["dataset"] == "gesture")]
    table = table[~table["setting"].str.contains(r"lambda(?!1\.5)")]
    names = {
        "EDST_RG": "edst_rg",
        "RD-TSE": "rd_tse",
        "FD-TSE": "fd_tse",
        "Dist-TSE (λ 1.5)": "dist_tse",
        "SET-MLP": "set_mlp",
        "Static sparse": "static",
        "Dense": "dense",
        "Dense ensemble": "dense_ensemble",
    }
    found = {}
    for line in section("table1"):
        row = ROW.match(line)
        assert row, line
        found[names[row["name"]], row["epsilon"]] = row["published"].strip(), row["here"].strip(), int(row["seeds"])
    expected = {
        (row.method, "dense" if pd.isna(row.epsilon) else f"{row.epsilon:.0f}"): (
            cell(row.published, row.published_std),
            cell(row.value, row.std),
            row.seeds,
        )
        for row in table.itertuples()
    }
    assert found == expected


def test_the_methods_at_equal_operations_are_the_csv():
    frame = pd.read_csv(ROOT / "results/across/tables/across_table1.csv")
    assert [line.strip("| ") for line in section("across")] == [" | ".join(row) for row in across_rows(frame)]
    own = " ".join(README.split("<!-- across", 1)[1].split("<!-- /across", 1)[0].split())
    assert f"Means over datasets of one seed each, at most {frame['datasets'].max()};" in own
    rates = frame.groupby("method")[["learning_rate", "epochs"]].first()
    rest = set(rates.drop("dense_ensemble_equal")["learning_rate"])
    rate, epochs = rates.loc["dense_ensemble_equal"]
    members, each = epochs.split(" × ")
    assert members == "5"
    assert f"the rate is {rest.pop():g}, but {rate:g} for the dense ensemble, whose five networks have {each}" in own
    assert not rest


def test_how_the_methods_at_equal_operations_train_is_the_csv():
    frame = pd.read_csv(ROOT / "results/across/tables/across_table1.csv").groupby("method").first()
    lines = (ROOT / "docs/across.md").read_text(encoding="utf-8").splitlines()
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")][1:]
    refined = {"eta": "η"}
    wanted = {
        method_title(str(row.Index)): [
            row.epochs,
            f"{row.learning_rate:g}",
            refined.get(row.refinement, row.refinement),
        ]
        for row in frame.itertuples()
    }
    assert {name: rest for name, _, *rest in found} == wanted


def test_what_the_journals_runs_say_of_the_refinement_is_the_csv():
    table = pd.read_csv(ROOT / "results/journal/tables/ablations.csv")
    pooled = table[(table["dataset"] == "pooled") & (table["setting"] == "refinement")].set_index("contrast")
    said = {
        name: f"{difference(row['value'], 2)} points ({interval(row['low'], row['high'])})"
        for name, row in pooled.loc[["fd_tse - edst_rg", "comprehensive - none", "eta - none"]].iterrows()
    }
    words = " ".join((ROOT / "docs/across.md").read_text(encoding="utf-8").split())
    assert f"{pooled['note'].iloc[0]}: with the same refinement FD-TSE is {said['fd_tse - edst_rg']} from" in words
    added, rate = (said[name].replace(" points", "") for name in ("comprehensive - none", "eta - none"))
    assert f"the comprehensive one adds {added} and η {rate}" in words
    # What is said of it without a number.
    low, high = pooled.loc["fd_tse - edst_rg", ["low", "high"]]
    assert low < 0 < high
    assert pooled.loc["comprehensive - none", "low"] > 0


def across_rows(frame: pd.DataFrame) -> list[list[str]]:
    rows, most = [], frame["datasets"].max()
    for method, own in frame.groupby("method", sort=False):
        by = own.set_index("metric").reindex(
            ["accuracy", "rank", "gain", "log_loss", "ece", "disagreement", "operations"]
        )
        value, gain, about = by["value"], by.loc["gain"], by.loc["accuracy"]
        few = "†" if about["datasets"] < most else ""
        n = f"{about['datasets']:.0f}"

        def text(name, digits, mark="", value=value):
            return "–" if pd.isna(value[name]) else f"{value[name]:.{digits}f}{mark}"

        rows.append(
            [
                method_title(method),
                {"eta": "η"}.get(about["refinement"], about["refinement"]),
                n if about["datasets"] == about["of"] else f"({n}/{about['of']:.0f})",
                text("accuracy", 2, few),
                text("rank", 2),
                "–"
                if pd.isna(gain["value"])
                else f"{difference(gain['value'], 2)} ({interval(gain['low'], gain['high'])})",
                "–" if pd.isna(gain["p_holm"]) else p_value(gain["p_holm"]),
                text("log_loss", 3, few),
                text("ece", 3, few),
                text("disagreement", 3, few),
                text("operations", 2),
            ]
        )
    return rows


def test_the_verdicts_are_the_csv():
    table = pd.read_csv(ROOT / "results/journal/tables/verdicts.csv")
    kinds = ["confirmed", "different but explained", "not confirmed", "not tested"]
    counted = {
        topic: [str((claims["verdict"] == kind).sum() or "–") for kind in kinds]
        for topic, claims in table.groupby("topic")
    }
    assert set(table["verdict"]) <= set(kinds)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section("verdicts")]
    assert {topic: counts for topic, *counts in rows} == counted


def test_what_helps_is_the_csv():
    table = pd.read_csv(ROOT / "results/journal/tables/ablations.csv")
    pooled = table[(table["dataset"] == "pooled") & (table["setting"] == "refinement")].set_index("contrast")
    regrown = pooled.loc[[f"{method} - edst_rg" for method in ("rd_tse", "fd_tse", "dist_tse")]]
    rd, fd, dist = map(difference, regrown["value"], [2] * 3)
    widest = math.ceil(100 * regrown[["low", "high"]].abs().to_numpy().max()) / 100
    more, rate = (
        f"{difference(row['value'], 2)} ({interval(row['low'], row['high'])})"
        for row in pooled.loc[["comprehensive - none", "eta - none"]].to_dict("records")
    )
    words = " ".join(README.split())
    assert f"O{pooled['note'].iloc[0][1:]} ({pooled['seeds'].iloc[0]} runs at ε 20, Table H2)" in words
    assert f"{rd}, {fd} and {dist} points, all 95 % intervals within ±{widest:.2f}" in words
    assert f"compared with no refinement, the comprehensive one adds {more}, and halving the rate alone" in words
    assert f"which EDST_RG has in Table 1, {rate}." in words


def output_of_snippet(number: int) -> str:
    code = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[number]
    finished = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_the_records_give_the_table_in_pandas():
    printed = output_of_snippet(0)
    table = pd.read_csv(ROOT / "results/journal/tables/table1.csv")
    row = table[(table["method"] == "fd_tse") & (table["setting"] == "eps20") & (table["dataset"] == "gesture")]
    value, std = row.loc[row["metric"] == "test_accuracy", ["value", "std"]].iloc[0]
    assert re.search(rf"fd_tse +eps10 .*\n +eps20 +{value:.1f} +{std:.1f}", printed), printed


def test_the_package_snippet_runs():
    assert float(output_of_snippet(1)) > 0.93


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#:]+)\)", README))
def test_links_lead_somewhere(target):
    assert (ROOT / target).exists()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"make ([a-z]+)", README))))
def test_make_targets_exist(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_campaign_is_that_of_the_records():
    config = load_config(ROOT / "config/journal.yaml")
    records = {name: gather(config, name)[0] for name in config["experiments"]}
    finished, all_runs = distinct(itertools.chain(*records.values())), by_settings(runs(config))
    assert len(finished) == len(all_runs)
    words = " ".join(README.split())
    assert f"{len(finished):,} runs, which took {_hours(finished)} core-hours" in words
    assert f"Tables 1 and 2 took {_hours([*records['table1'], *records['table2']])}" in words
    assert f"about {_missing_rows(finished):.0f} core-hours more" in words
    printed = pd.concat(pd.read_csv(ROOT / f"config/published/journal_table{number}.csv") for number in (1, 2))
    printed = printed[printed["metric"].isin(["train_time", "total_train_time"])]
    minutes = (printed["published"] * printed["published_runs"].fillna(1)).sum()
    assert f"add up to about {round(minutes / 60, -1):.0f} hours" in words


def test_what_the_newer_studies_took_is_that_of_their_records():
    files = [file for file in ROOT.glob("results/*/records/*.jsonl") if file.parents[1].name != "journal"]
    lines = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    made = [line for line in lines if "same_as" not in line]
    words = " ".join(README.split())
    assert f"on: {len(made):,} runs so far, which took {_hours(made)} core-hours" in words
    for study in ("thesis", "van_engers", "spas", "whitaker", "across"):
        own = [file for file in files if file.parents[1].name == study]
        lines = [json.loads(line) for file in own for line in file.read_text(encoding="utf-8").splitlines()]
        taken = [line for line in lines if "same_as" not in line]
        assert f"{_hours(taken)} for [{study}](docs/{study}.md)" in words


def _missing_rows(records):
    """Core-hours for the rows that were not at hand, in proportion to those that were."""
    hours = 0.0
    for record in records:
        if record["data"]["partial"]:
            had, of = map(int, re.findall(r"\d+", record["data"]["partial"]))
            hours += record["seconds"]["cpu"] / 3600 * (of - had) / had
    return hours


def _hours(records):
    return f"{sum(record['seconds']['cpu'] for record in records) / 3600:.1f}"


PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "config/README.md"]


@pytest.mark.parametrize("file", PAGES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_documented_command_gives_a_target_as_a_second_configuration(file):
    commands = re.findall(r"--configfile \S+\.yaml[ \t]+(?!-)(\w+)", file.read_text(encoding="utf-8"))
    assert not commands
