"""All claims of the study in the order of the page, each with the rule that judges it."""

from truly_sparse.analysis.judging import Claim, Rule
from truly_sparse.studies.whitaker.verdicts import comparing, diversity, noisy, stochastic, subnetworks

RULES: tuple[Rule, ...] = (*comparing.RULES, *noisy.RULES, *subnetworks.RULES, *stochastic.RULES, *diversity.RULES)


def claims() -> list[Claim]:
    """Return all claims: of noisy, sparse and stochastic subnetworks, of diversity, and those of ours."""
    return [
        *noisy.claims(),
        *subnetworks.claims(),
        *stochastic.claims(),
        *diversity.claims(),
        *subnetworks.ours(),
    ]
