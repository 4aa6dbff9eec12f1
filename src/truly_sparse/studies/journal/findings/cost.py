"""What an ensemble costs, and what does not compare."""

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.judging import partial
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.origin import marked_title
from truly_sparse.analysis.reading import claim, claims, datasets, listed, row_name
from truly_sparse.analysis.statements import Statement, first, others
from truly_sparse.analysis.tse import EPSILON, PROPOSED
from truly_sparse.studies.journal.verdicts.cost import OPERATIONS

#: Frame of the evidence that facts add: links put on blocked places, by method.
FALLBACKS = "fallbacks"


def _size(evidence: Evidence) -> str:
    name = datasets(claims(evidence, "weights/"))[0]
    weights, operations = (claim(evidence, f"{what}/{name}/{EPSILON}") for what in ("weights", "operations"))
    return (
        f"At ε = {EPSILON} an ensemble of five has {formats.ratio(weights['value'])} the weights of one dense network "
        f"and takes {formats.ratio(operations['value'])} its operations to train (published "
        f"{formats.printed_ratio(weights['published'])} and {formats.printed_ratio(operations['published'])}; counted "
        "otherwise, see Table V2)."
    )


def _minutes(evidence: Evidence) -> list[str]:
    """Say how long training takes, a sentence per dataset."""
    rows = evidence.rows("table1", metric="train_time")
    rows = rows[rows["value"].notna()]
    sentences = []
    for name in datasets(rows):
        own = rows[rows["dataset"] == name]
        sparse, dense = own[own["method"].isin(PROPOSED) & (own["epsilon"] == EPSILON)], own[own["method"] == "dense"]
        if sparse.empty or dense.empty:
            continue
        title = marked_title(name, own["note"].fillna(""))
        words = f"On {title} an ensemble trains in {_span(sparse['value'])} CPU minutes on one core, one dense network "
        words += f"in {_short(dense['value'].iloc[0])}"
        if sparse["published"].notna().any() and dense["published"].notna().any():
            printed = f"{sparse['published'].min():.0f} to {sparse['published'].max():.0f}"
            words += f" (published {printed} and {dense['published'].iloc[0]:.0f})"
        sentences.append(words + ".")
    if not sentences:
        raise Missing("no ensemble and no dense network to compare")
    return sentences


def _span(values: "pd.Series[float]") -> str:
    low, high = _short(values.min()), _short(values.max())
    return low if low == high else f"{low} to {high}"


def _short(minutes: float) -> str:
    return formats.minutes(minutes, None)


def _overhead(evidence: Evidence) -> str:
    rows = claims(evidence, "overhead/")
    return (
        f"No proposed method takes more than {formats.ratio(rows['value'].max())} as long as EDST_RG (published up to "
        f"{formats.printed_ratio(rows['published'].max())})."
    )


def _growth(evidence: Evidence) -> str:
    rows = claims(evidence, "scales/")
    return (
        f"A re-initialisation by RD-TSE or FD-TSE takes {rows['value'].min():.1f} to {rows['value'].max():.1f} times "
        f"as long from the smallest block to the largest, with {rows['note'].iloc[0].split(',')[0]}."
    )


def _operations(evidence: Evidence) -> list[str]:
    return [
        f"{row_name(row)}: {formats.scientific(row['published'])} operations published, "
        f"{formats.scientific(row['value'])} counted here ({formats.ratio(row['value'] / row['published'])})."
        for _, row in _both(evidence, OPERATIONS).iterrows()
    ]


def _times(evidence: Evidence) -> str:
    rows = _both(evidence, "train_time")
    ratios = rows["published"] / rows["value"]
    if rows.empty:
        raise Missing("no published time")
    return (
        f"The published minutes are between {ratios.min():.1f} and {ratios.max():.1f} times the CPU minutes here, over "
        f"{len(rows)} rows; machine and code both differ, so this is no measure of either alone."
    )


def _blocked(evidence: Evidence) -> list[str]:
    return [
        f"{method_title(row['method'])} ran out of places that were not blocked in {row['runs']} runs and put "
        f"{row['links']:,} links, over all of them, on blocked places."
        for row in evidence.rows(FALLBACKS).to_dict("records")
    ]


def _irregular(evidence: Evidence) -> list[str]:
    sentences = []
    for status, words in (("diverged", "diverged, which are in no mean"), ("absent", "have not finished")):
        rows = evidence.rows("table1", metric=f"runs_{status}")
        rows = rows[rows["value"] > 0]
        if len(rows):
            named = listed([row_name(row) for _, row in rows.iterrows()])
            sentences.append(f"Runs of Table 1 that {words}: {rows['value'].sum():.0f} ({named}).")
    return sentences or ["Every run of Table 1 finished and none diverged."]


def _both(evidence: Evidence, metric: str) -> pd.DataFrame:
    """Return the rows with a number here and in print, of whole datasets: of a part of the rows there is less to do."""
    rows = evidence.rows("table1", metric=metric)
    rows = rows[rows["value"].notna() & rows["published"].notna()]
    return rows.loc[[not partial(row) for _, row in rows.iterrows()]]


STATEMENTS = (
    *(Statement("Cost", say) for say in (_size, first(_minutes), _overhead)),
    *(Statement("Time", say) for say in (others(_minutes), _growth)),
    *(Statement("Differences", say) for say in (_operations, _times, _blocked, _irregular)),
)
