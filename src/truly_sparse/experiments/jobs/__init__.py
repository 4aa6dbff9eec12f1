"""What is put around the jobs of a workflow: locks, what a kill leaves behind, and whether a run fits into memory.

Other code uses what is named here, `run_job.train` and `measurement_job.measure`.
"""

from collections.abc import Iterable
from typing import Any

from truly_sparse.experiments.jobs import finished
from truly_sparse.experiments.jobs.locks import claim_folder, claim_result

__all__ = ["claim_folder", "claim_result", "end_workflow"]


def end_workflow(configs: Iterable[dict[str, Any]]) -> None:
    """Forget the runs that were kept aside for the next workflow, because this one ends well."""
    for config in configs:
        finished.forget(config)
