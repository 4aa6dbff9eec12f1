"""Rules on significance, the fourteen datasets, scalability and topology."""

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.judging import ALPHA, Finding, Rule, verdict, welch
from truly_sparse.analysis.names import dataset_title, method_title
from truly_sparse.analysis.rounding import less
from truly_sparse.analysis.tse import PROPOSED
from truly_sparse.studies.journal.verdicts.accuracy import BASELINE

ALL = "tabular14"
DATASETS = 14
SINGLE = ("set_mlp", "static", "dense")
#: Iterations may vary by so much over sizes and count as constant.
CONSTANT = 1.25
#: Time may grow by so much more than the links do.
GROWTH = 1.5


def _names(methods: list[str]) -> str:
    return ", ".join(map(method_title, methods)) or "none"


def _printed_significant(evidence: Evidence, dataset: str, epsilon: float) -> list[str]:
    rows = evidence.rows("table5", metric="p_value", dataset=dataset, epsilon=epsilon)
    rows = rows[rows["published"].notna()]
    if rows.empty:
        raise Missing(f"no printed p for {dataset_title(dataset)}")
    return list(rows.loc[rows["published"] < ALPHA, "method"])


def _settled(evidence: Evidence, metric: str, dataset: str, epsilon: float) -> pd.Series:
    """Return one number per proposed method."""
    found = {}
    for method in PROPOSED:
        found[method] = evidence.cell("table5", metric=metric, dataset=dataset, epsilon=epsilon, method=method)["value"]
    return pd.Series(found, dtype=float)


def _authors(evidence: Evidence, dataset: str, epsilon: float) -> Finding:
    printed, p = _printed_significant(evidence, dataset, epsilon), _settled(evidence, "p_value", dataset, epsilon)
    ours = list(p.index[p < ALPHA])
    why = "; ".join(f"{method_title(str(name))} p = {formats.p_value(value)}" for name, value in p.items())
    same = set(ours) == set(printed)
    return Finding(_names(ours), _names(printed), verdict(same), why, len(ours), len(printed))


AUTHORS = Rule(
    "authors' test",
    "Which proposed methods are better than EDST_RG by the authors' own test (30 resamples of one test set, one "
    f"training each) with p < {ALPHA}. Confirmed: the same ones as printed. It cannot show that training again would "
    "give the same.",
    _authors,
)


def _over_seeds(evidence: Evidence, dataset: str, epsilon: float) -> Finding:
    printed = _printed_significant(evidence, dataset, epsilon)
    p = _settled(evidence, "paired_t_p_holm", dataset, epsilon)
    gain = _settled(evidence, "paired_difference", dataset, epsilon)
    ours = [name for name in PROPOSED if p[name] < ALPHA and gain[name] > 0]
    why = "; ".join(
        f"{method_title(name)} {formats.difference(gain[name])}, p = {formats.p_value(p[name])}" for name in PROPOSED
    )
    holds = set(printed) <= set(ours)
    return Finding(_names(ours), _names(printed), verdict(holds), why, len(ours), len(printed))


OVER_SEEDS = Rule(
    "over seeds",
    "Which proposed methods are better than EDST_RG over training seeds: paired t test, two-sided, Holm's correction "
    f"over the three, p < {ALPHA}, and a positive mean difference. Confirmed: all that are printed as significant are "
    "among them. Both sides are trained as printed, so that refinement and regrowth differ at once.",
    _over_seeds,
)


def _points(evidence: Evidence) -> pd.DataFrame:
    rows = evidence.rows("table2", metric="bpm", dataset=ALL)
    if rows["value"].isna().all():
        raise Missing("no dataset on which all models have finished")
    absent = {BASELINE, *PROPOSED, *SINGLE} - set(rows["method"])
    if absent:
        raise Missing(f"{_names(sorted(absent))} has not finished on any dataset")
    over = str(rows["note"].iloc[0])
    if over != f"over {DATASETS} datasets":
        raise Missing(f"points are {over} only; the claim is about {DATASETS}")
    return rows.fillna({"value": 0.0}).set_index("method")


def _top(evidence: Evidence) -> Finding:
    rows = _points(evidence)
    ours, printed = (float(rows.loc[list(PROPOSED), name].sum()) for name in ("value", "published"))
    here, there = (f"{value:.2f} of {DATASETS}" for value in (ours, printed))
    chance = DATASETS * len(PROPOSED) / len(rows)
    why = f"{len(PROPOSED)} of {len(rows)} models would have {chance:.2f} by chance"
    return Finding(here, there, verdict(ours >= printed), why, ours, printed)


TOP = Rule(
    "best of fourteen",
    "Datasets of the tabular benchmark on which a proposed method is the most accurate, ties split. Confirmed: at "
    "least as many as printed. Not tested: until all models have finished on all of them.",
    _top,
)


def _most(evidence: Evidence, method: str) -> Finding:
    rows = _points(evidence)
    best = {name: list(rows.index[rows[name] == rows[name].max()]) for name in ("value", "published")}
    ours, printed = (float(rows[name].to_dict()[method]) for name in ("value", "published"))
    here, there = (f"{own:.2f} ({_names(best[name])} first)" for own, name in zip((ours, printed), best, strict=True))
    return Finding(here, there, verdict(best["value"] == [method]), "", ours, printed)


MOST = Rule(
    "most often best",
    "Points of each model over the tabular benchmark. Confirmed: the named method alone has the most.",
    _most,
)


def _sizes(evidence: Evidence, method: str, metric: str) -> pd.DataFrame:
    rows = evidence.rows("table4", method=method, metric=metric)
    rows = rows[rows["value"].notna() & ~rows["distance"].isin(["all_pairs"])].sort_values("n")
    if len(rows) < 2:
        raise Missing(f"{method_title(method)} has been timed at one size only")
    return rows


def _scales(evidence: Evidence, method: str) -> Finding:
    times, links = _sizes(evidence, method, "running_time"), _sizes(evidence, method, "connections")
    ours, printed = (float(times[name].iloc[-1] / times[name].iloc[0]) for name in ("value", "published"))
    more = float(links["value"].iloc[-1] / links["value"].iloc[0])
    why = f"{more:.1f} times the links, n = {int(times['n'].iloc[0])} to {int(times['n'].iloc[-1])}"
    return Finding(f"{ours:.1f} times", f"{printed:.1f} times", verdict(ours <= GROWTH * more), why, ours, printed)


SCALES = Rule(
    "scales",
    "Running time of a re-initialisation at the largest size of Table 4 through that at the smallest. Confirmed: at "
    f"most {GROWTH:g} times what the number of links grows by.",
    _scales,
)


def _constant(evidence: Evidence, method: str) -> Finding:
    rows = _sizes(evidence, method, "iterations")
    ours, printed = (float(rows[name].max() / rows[name].min()) for name in ("value", "published"))
    why = f"means from {rows['value'].min():.1f} to {rows['value'].max():.1f}"
    return Finding(f"{ours:.2f} times", f"{printed:.2f} times", verdict(ours <= CONSTANT), why, ours, printed)


CONSTANT_ITERATIONS = Rule(
    "constant iterations",
    "Largest mean number of iterations over the sizes of Table 4 through the smallest, rows compared one to one. "
    f"Confirmed: at most {CONSTANT:g}.",
    _constant,
)


def _topology(evidence: Evidence, method: str, closer: bool) -> Finding:
    one, other = (evidence.cell("figure4", method=name, kind="distance_own") for name in (method, BASELINE))
    ours = less(one["value"], other["value"])
    p = welch(one, other, "pairs")
    holds = p < ALPHA and (ours < 0) == closer
    why = f"{one['value']:.4f} and {other['value']:.4f}, p = {formats.p_value(p)}"
    printed = "closer" if closer else "further"
    return Finding(formats.difference(ours, 4), printed, verdict(holds), why, ours, None)


TOPOLOGY = Rule(
    "topology",
    "Topological distance (NNSTD) of the block between the first two hidden layers of a re-initialised network from "
    "its own predecessor, less that of EDST_RG, means over ten networks. The journal prints pictures, no numbers. "
    f"Confirmed: the direction it describes, Welch's two-sided p < {ALPHA}.",
    _topology,
)


def _picture(_: Evidence, shown: str) -> Finding:
    raise Missing(f"the journal describes a picture, without a number to compare; ours is {shown}")


PICTURE = Rule("picture", "What is only described from a picture is not tested; ours stands beside it.", _picture)
RULES: tuple[Rule, ...] = (AUTHORS, OVER_SEEDS, TOP, MOST, SCALES, CONSTANT_ITERATIONS, TOPOLOGY, PICTURE)
