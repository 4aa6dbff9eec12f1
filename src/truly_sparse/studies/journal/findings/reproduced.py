"""What of the journal came out again, by its own protocol, and what did not."""

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.judging import ALPHA, EXPLAINED, NOT_CONFIRMED
from truly_sparse.analysis.names import dataset_title, method_title
from truly_sparse.analysis.origin import marked_title
from truly_sparse.analysis.reading import (
    claim,
    claims,
    confirmed,
    datasets,
    listed,
    row_name,
    span,
)
from truly_sparse.analysis.statements import Statement
from truly_sparse.analysis.tse import EPSILON, PROPOSED
from truly_sparse.studies.journal.verdicts.accuracy import ACCURACY
from truly_sparse.studies.journal.verdicts.claims import ALIKE
from truly_sparse.studies.journal.verdicts.others import DATASETS


def _counts(evidence: Evidence) -> str:
    rows = claims(evidence)
    rows = rows[rows["topic"] != ALIKE]
    return (
        f"Of {len(rows)} claims that could be tested by the journal's own protocol, {confirmed(rows)} are confirmed, "
        f"{confirmed(rows, EXPLAINED)} differ only as explained, and {confirmed(rows, NOT_CONFIRMED)} are not "
        "confirmed."
    )


def _ensembles(evidence: Evidence) -> list[str]:
    rows = evidence.rows("table1", metric=ACCURACY, epsilon=EPSILON)
    rows = rows[rows["method"].isin(PROPOSED) & rows["value"].notna() & rows["published"].notna()]
    sentences = []
    for name in datasets(rows):
        own, lead = rows[rows["dataset"] == name], claim(evidence, f"above_dense/{name}/{EPSILON}")
        sentences.append(
            f"On {marked_title(name, own['note'].fillna(''))} the proposed ensembles reach {span(own['value'])} % at "
            f"ε = {EPSILON} (published {span(own['published'])} %), {lead['value']:.1f} points or more above dense "
            f"models trained as printed (published {lead['published']:.1f})."
        )
    return sentences


def _order(evidence: Evidence) -> str:
    rows = claims(evidence, "order/")
    return (
        f"Of {rows['published'].sum():.0f} pairs of models that are clearly apart in print, {rows['value'].sum():.0f} "
        "come in the same order."
    )


def _agreement(evidence: Evidence) -> str:
    rows = claims(evidence, "agreement/")
    table = evidence.rows("table1", metric=ACCURACY)
    table = table[table["difference"].notna() & table["std"].notna() & table["published_std"].notna()]
    gaps = table.groupby("dataset", sort=False)["difference"].mean()
    higher = listed([f"{formats.difference(gap)} points on {dataset_title(str(name))}" for name, gap in gaps.items()])
    return (
        f"The accuracies themselves are other ones: {rows['value'].sum():.0f} of {rows['published'].sum():.0f} agree "
        f"within the noise of both sides; on average they differ by {higher}."
    )


def _gains(evidence: Evidence) -> str:
    rows = claims(evidence, "gain/")
    positive = int((rows["value"] > 0).sum())
    return (
        f"The gain over EDST_RG, which trains without the comprehensive refinement, is positive in {positive} of "
        f"{len(rows)} comparisons and significant over training seeds in {confirmed(rows)}."
    )


def _best(evidence: Evidence) -> str:
    top, most = claim(evidence, "top"), claim(evidence, "most/dist_tse")
    return (
        f"On the tabular benchmark a proposed method is the most accurate on {top['value']:.1f} of {DATASETS} datasets "
        f"(published {top['published']:.1f}), Dist-TSE on {most['value']:.1f} (published {most['published']:.1f})."
    )


def _which(evidence: Evidence) -> str:
    row = claim(evidence, "best_differs")
    return f"Which of the three is the best cannot be told: {row['note']}."


def _differences(evidence: Evidence) -> str:
    rows = evidence.rows("table1", metric=ACCURACY)
    rows = rows[rows["difference"].notna()]
    if rows.empty:
        return "The sources print no accuracy for any row of this preset, so there is nothing to compare."
    gaps = rows["difference"].astype(float)
    largest = rows.iloc[int(gaps.abs().to_numpy().argmax())]
    return (
        f"Of {len(rows)} rows with a published accuracy, {int((gaps > 0).sum())} came out higher and "
        f"{int((gaps < 0).sum())} lower. The mean absolute difference is {gaps.abs().mean():.1f} points; the largest "
        f"is {formats.difference(largest['difference'])} points ({row_name(largest)})."
    )


def _refinement(evidence: Evidence) -> str:
    rows = claims(evidence, "ablation/")
    return f"What the comprehensive refinement adds comes out as printed in {confirmed(rows)} of {len(rows)} cases."


def _seeds(evidence: Evidence) -> str:
    rows = claims(evidence, "over_seeds/")
    return (
        f"Over training seeds, all that the journal prints as significant is so in {confirmed(rows)} of {len(rows)} "
        "combinations of dataset and sparsity (paired t test, Holm's correction)."
    )


def _ranks(evidence: Evidence) -> str:
    ranks = evidence.rows("ranks", kind="average_rank").sort_values("value", kind="stable")
    p, apart = (evidence.rows("ranks", kind=kind)["value"].iloc[0] for kind in ("friedman_p", "critical_difference"))
    within = ranks[ranks["value"] <= ranks["value"].min() + apart]
    return (
        f"Over {ranks['datasets'].iloc[0]:.0f} datasets the models do not all rank alike (Friedman's p = "
        f"{formats.p_value(p)}); ranks must be {apart:.2f} apart to tell two of them apart, so that {len(within)} of "
        f"{len(ranks)} share the first place with the best."
    )


def _over_datasets(evidence: Evidence) -> str:
    parts, told = [], []
    for method in PROPOSED:
        value = {
            name: evidence.cell("table5", method=method, metric=f"datasets_{name}")["value"]
            for name in ("difference", "low", "high", "wilcoxon_p_holm")
        }
        interval = formats.interval(value["low"], value["high"])
        holm = formats.p_value(value["wilcoxon_p_holm"])
        parts.append(f"{formats.difference(value['difference'], 2)} of {method_title(method)} ({interval}; p = {holm})")
        told += [method_title(method)] if value["wilcoxon_p_holm"] < ALPHA else []
    only = "none of them" if not told else "each of them" if len(told) == len(PROPOSED) else f"only {listed(told)}"
    return (
        "Over the tabular datasets differences to EDST_RG, which trains with another refinement there, too, are in "
        f"points {listed(parts)} (95 % interval; Wilcoxon's test with Holm's correction): at "
        f"{100 * ALPHA:g} % {only} can be told apart from it."
    )


def _topology(evidence: Evidence) -> str:
    def mean(method: str, kind: str) -> float:
        return float(evidence.cell("figure4", method=method, kind=f"distance_{kind}")["value"])

    methods = ("edst_rg", *PROPOSED)
    own, others = ([mean(method, kind) for method in methods] for kind in ("own", "others"))
    if max(own) >= min(others):
        raise Missing("own and other networks are not apart")
    return (
        f"A re-initialised network is {min(own):.4f} to {max(own):.4f} away from its own predecessor, whichever method "
        f"made it, and {min(others):.4f} to {max(others):.4f} from networks that have nothing to do with it."
    )


STATEMENTS = (
    *(Statement("Reproduced", say) for say in (_counts, _ensembles, _order)),
    *(Statement("NotReproduced", say) for say in (_agreement, _gains, _seeds, _which, _best)),
    *(Statement("Accuracy", say) for say in (_differences, _refinement)),
    *(Statement("Significance", say) for say in (_ranks, _over_datasets)),
    Statement("Topology", _topology),
)
