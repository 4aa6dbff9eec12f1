"""Golden runs cover what a record depends on: in every part of those files a small change alters some digest."""

import subprocess
import sys
from pathlib import Path

import pytest

from truly_sparse.experiments.provenance import PACKAGE, stage_files

SCRIPT = Path(__file__).with_name("mutants.py")
NONE = "NOT NOTICED"
STRATEGIES = ("edst_rg", "rd_tse", "fd_tse", "dist_tse")
REFERENCES = ("logistic_regression", "random_forest", "hist_gradient_boosting", "sklearn_mlp")
MEASUREMENTS = ("datasets", "scalability", "distances", "lambdas", "topology", "trajectories")
#: Files that a stage can use, and that change no result.
APART = {
    "errors.py": "one-line errors",
    "files.py": "files that are whole or absent",
    "kernel_cache.py": "where compiled kernels are kept",
    "engine/compiled.py": "how functions are compiled: speed",
    "engine/pieces.py": "samples in pieces, which only fits to streams have: the bits of all at once",
    "engine/team.py": "threads that share a fit's steps: the bits of one",
    "engine/ramped.py": "rows of ramps, which only estimators have: the bits of the same rows written out",
    "engine/ramped_kernels.py": "the same",
    "engine/sparse_kernels.py": "sparse rows, which only estimators have: the bits of the same rows with their zeros",
    "experiments/golden.py": "which records hold; its own tests",
    "experiments/provenance.py": "which sources made a result; its own tests",
    "experiments/source_facts.py": "the same",
    "experiments/sources.py": "the same",
    "engine/memory.py": "where arrays start, so that BLAS rounds alike in every process; one process does not show it",
    "schema.py": "reading of YAML; what settings mean shows in the settings of a record",
    "experiments/configuration_schema.py": "the same",
    "experiments/configuration.py": "the same",
    "experiments/progress.py": "what is printed",
    "measure/host.py": "what is said about the machine",
    "training/config.py": "the same",
    "training/settings.py": "the same",
    "training/checkpoint.py": "a run that was killed ends in the same bytes, which tests/faults shows",
}
#: Parts ("file:function") whose changes alter nothing, and why.
EXCUSED: dict[str, str] = {
    "data/pixels.py:": "how many images are summed at a time, exactly, and names",
    "engine/convolution/bands.py:": "what tuples hold, of which only the length is asked",
    "engine/convolution/layers.py:Plan.multiply_adds": "what a plain network costs, by which a study lays out its grid",
    "engine/convolution/layers.py:_Laid.reach": "refuses layers that are too large",
    "engine/convolution/layers.py:_Laid.pool": "nearly all are numbers that a step of pooling has no use for",
    "engine/convolution/layers.py:_band": "how many rows are taken at a time: speed",
    "engine/convolution/start.py:start": "a network whose shortcuts are rounded to none",
    "engine/dense.py:DenseMLP.features": "by which a checkpoint's network is compared with a run's",
    "engine/dense.py:DenseMLP._keep_second_moments": "all blocks have second moments or none: any tells",
    "engine/graph.py:": "refuses networks that are too large",
    "engine/graph.py:Graph.beyond_inputs": "sparse rows, which only estimators have: the bits of these rows with zeros",
    "engine/graph.py:Graph.keys": "what tests compare links by",
    "engine/kernels.py:log_probability": "a bound has the same logarithm on both of its sides",
    "engine/network.py:SparseMLP._layers_beyond_inputs": "sparse rows, see Graph.beyond_inputs",
    "engine/network.py:SparseMLP._train_on_non_zeros": "the same",
    "engine/network.py:SparseMLP.from_dense": "a network of matrices that are given, which tests and benchmarks have",
    "engine/noise.py:noise_of": "refuses numbers that are no noise",
    "engine/optimisers.py:in_advance": "sparse rows, see Graph.beyond_inputs",
    "engine/optimisers.py:_step_of": "the same",
    "engine/optimisers.py:_coast": "the same",
    "engine/optimisers.py:_rests": "the same",
    "engine/optimisers.py:put": "a vector of which all lanes are stored is stored whole",
    "engine/store.py:read": "refuses files that are damaged",
    "engine/store.py:save": "that nothing is pickled",
    "engine/vector.py:fused": "sparse rows and single ones, which only estimators have: the bits of the others",
    "engine/vector.py:gather": "the same",
    "engine/vector.py:prefetch": "which memory is asked for ahead: speed",
    "engine/workspace.py:Workspace.another": "threads that share a fit's steps: the bits of one",
    "ensembles/method.py:Method.passes": "what a run is expected to take, which is only said",
    "ensembles/methods/noisy_subnetworks.py:Members.": "says that there have to be validation rows",
    "ensembles/methods/noisy_subnetworks.py:Members.children": "which number a stage of no epochs has",
    "ensembles/methods/sparse_subnetworks.py:Members._share": "the same",
    "ensembles/methods/sparse_subnetworks.py:Members.passes": "the same",
    "ensembles/methods/stochastic_subnetworks.py:Members.passes": "the same",
    "training/loop.py:Loop.end": "for fits that go on, which no record is of; tests/training shows it",
    "ensembles/methods/__init__.py:of_many": "names that the estimators and the command line offer",
    "experiments/measuring/trained.py:trainer_of": "refuses what cannot be measured",
}


def files():
    """Return the files that runs, references and measurements can use."""
    stages = [("run", name) for name in STRATEGIES]
    stages += [("reference", name) for name in REFERENCES] + [("measurement", name) for name in MEASUREMENTS]
    found = {file.relative_to(PACKAGE).as_posix() for stage in stages for file in stage_files(*stage)}
    return sorted(file for file in found if file.endswith(".py") and file not in APART)


@pytest.fixture(scope="session")
def calls(tmp_path_factory):
    """Return where is kept which golden run calls what, for the process at hand."""
    return tmp_path_factory.mktemp("mutants") / "calls.json"


@pytest.mark.mutants
@pytest.mark.parametrize("file", files())
def test_a_change_of_every_part_is_noticed(file, calls):
    done = subprocess.run([sys.executable, SCRIPT, file, "--calls", calls], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    tried, noticed = (
        {line.split()[0] for line in some} for some in (lines, (x for x in lines if not x.endswith(NONE)))
    )
    assert tried - noticed == {part for part in EXCUSED if part.startswith(f"{file}:")}, done.stdout
