"""Every key of both schemas spoilt in every way: it is accepted or refused in one line, and no job starts."""

import copy
import io
import os
from contextlib import redirect_stderr
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from truly_sparse.cli import main as cli
from truly_sparse.data import registry
from truly_sparse.errors import UserError
from truly_sparse.experiments.configuration_schema import schema
from truly_sparse.experiments.grid import runs
from truly_sparse.experiments.jobs import memory_estimate, run_job
from truly_sparse.experiments.plan import Plan
from truly_sparse.schema import load_schema

ROOT = Path(__file__).parents[2]
CASES = int(os.environ.get("TRULY_SPARSE_FUZZ_CONFIGURATIONS", "500"))
CONFIG = schema()
REGISTRY = load_schema(ROOT / "workflow/schemas/datasets.schema.yaml")
SOUND = yaml.safe_load("""
study: journal
preset: fuzz
training: {epochs: 40, exploration_epochs: 20}
datasets: {wine: {}, own: {source: {path: own.csv, target: y}}, higgs: {rows: 1000}}
methods:
  fd_tse: {model: sparse, strategy: fd_tse, training: {restart_prune_fraction: 0.5}}
  dense: {model: dense, training: {members: 1}}
  forest: {model: reference, strategy: random_forest}
measurements:
  datasets: {datasets: [wine]}
  scalability: {}
  distances: {datasets: [wine], method: fd_tse}
  lambdas: {datasets: [wine], method: fd_tse}
  trajectories: {datasets: [wine], methods: [fd_tse]}
  topology: {datasets: [wine], methods: [fd_tse]}
  pixels: {datasets: [wine], method: fd_tse}
  member_topology: {datasets: {wine: 1}, methods: [fd_tse]}
  noise: {datasets: [wine], method: fd_tse}
  saliency: {datasets: [wine], methods: [fd_tse]}
experiments:
  table1:
    - {datasets: [wine], methods: [fd_tse], epsilon: [10], seeds: [0], epochs: [40, 60]}
    - {datasets: [wine], methods: [dense, forest], seeds: [0, 1]}
""")
RUN = "table1/wine/fd_tse/eps10_epochs40/seed0"
SOUND_REGISTRY = yaml.safe_load((ROOT / "config/datasets.yaml").read_text(encoding="utf-8"))
ODD = [
    None, True, -1, 0, 1, 3, 2.5, 1e-320, 1e308, 10**12, 10**30, -(10**30), 10**400, float("nan"), float("inf"),
    "", "text", "../../outside", "/etc", "a/b", "two\nlines", "\0", "ünï ✓", "x" * 10_000, ".", "..", "-", "~",
    [], [None], [[]], ["text"], [0.5, "a"], [1] * 3000, {}, {"a": 1}, {"": None}, {1: 2}, [{"a": [{}]}],
    yaml.safe_load("2020-01-01"),
]  # fmt: skip


def resolve(part, root):
    """Follow the reference of a schema part."""
    while "$ref" in part:
        target = root
        for step in part["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        part = target | {key: value for key, value in part.items() if key != "$ref"}
    return part


def keys(part, root, content, path=()):
    """Yield (path of a key, its schema) for every key that a schema knows, under names that `content` has."""
    part = resolve(part, root)
    for other in part.get("allOf", []):
        yield from keys(other, root, content, path)
    named = [*part.get("patternProperties", {}).values(), part.get("additionalProperties")]
    children = dict(part.get("properties", {}))
    if isinstance(named[0], dict):
        children |= {name: named[0] for name in (content if isinstance(content, dict) else {}) if name not in children}
    for name, child in children.items():
        yield (*path, name), resolve(child, root)
        inside = content.get(name) if isinstance(content, dict) else None
        yield from keys(child, root, inside, (*path, name))
    if "items" in part and isinstance(content, list):
        for position in range(len(content)):
            yield (*path, position), resolve(part["items"], root)
            yield from keys(part["items"], root, content[position], (*path, position))


def with_value(content, path, value):
    """Return a copy of `content` with `value` at `path`; mappings on the way are made where there are none."""
    changed = copy.deepcopy(content)
    place = changed
    for step in path[:-1]:
        if isinstance(step, str) and not isinstance(place.get(step), dict | list):
            place[step] = {}
        place = place[step]
    place[path[-1]] = value
    return changed


def around(part):
    """Return the values just outside and just inside the bounds of a schema part."""
    found = []
    for name, step in {"minimum": -1, "maximum": 1, "exclusiveMinimum": 0, "exclusiveMaximum": 0}.items():
        if name in part:
            found += [part[name], part[name] + step]
    return found


CONFIG_KEYS = list(keys(CONFIG, CONFIG, SOUND))
REGISTRY_KEYS = list(keys(REGISTRY, REGISTRY, SOUND_REGISTRY))


def refusal(call):
    """Return the one line with which a call refuses what it gets; None where it takes it."""
    try:
        call()
    except UserError as error:
        said = str(error)
    else:
        return None
    assert "\n" not in said
    assert len(said) < 1000
    return said


def names(content):
    """Yield every name of every mapping in `content`."""
    if isinstance(content, dict):
        yield from content
    for inner in content.values() if isinstance(content, dict) else content if isinstance(content, list) else ():
        yield from names(inner)


def refused_by_schema(content, root):
    """Say whether JSON Schema refuses it; the validator knows only names that are text, as in JSON: YAML has others."""
    if not all(isinstance(name, str) for name in names(content)):
        return True
    return next(jsonschema.Draft202012Validator(root).iter_errors(content), None) is not None


def run_command(content, folder):
    """Start a run with a configuration; return exit code, lines of errors, and whether a job began."""
    started = []

    def train(config, path, restart=False):  # what a job does before it allocates anything
        plan = Plan(config)
        for spec in runs(plan.config):
            memory_estimate.needed(spec, 100, 5, 3)
        started.append((path, restart))

    file, errors, real = folder / "config.yaml", io.StringIO(), run_job.train
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    run_job.train = train
    try:
        with redirect_stderr(errors):
            code = cli.main(["run", RUN, "--config", str(file)])
    finally:
        run_job.train = real
    lines = [line for line in errors.getvalue().splitlines() if not line.startswith("OPENBLAS_CORETYPE")]
    return code, lines, bool(started)


def check_configuration(content, folder):
    code, lines, started = run_command(content, folder)
    assert code in (0, 2)
    if refused_by_schema(content, CONFIG):
        assert code == 2, "the schema refuses it, and it was taken"
    if code == 2:
        assert len(lines) == 1, lines
        assert lines[0].startswith("error: ")
        assert len(lines[0]) < 1000
        assert not started
    return code, lines


def check_registry(content, folder):
    file = folder / "datasets.yaml"
    file.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
    said = refusal(lambda: [registry.entry(name, {}, file) for name in registry.read(file)])
    assert said is not None or not refused_by_schema(content, REGISTRY), "the schema refuses it, and it was taken"
    return said


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module", autouse=True)
def checkout():
    before, environment = Path.cwd(), dict(os.environ)
    os.chdir(ROOT)
    yield
    os.chdir(before)
    os.environ.clear()
    os.environ.update(environment)


def test_what_is_sound_is_taken(folder):
    assert run_command(SOUND, folder) == (0, [], True)
    assert check_registry(SOUND_REGISTRY, folder) is None


def test_every_key_of_both_schemas_is_reached():
    def count(part):
        if isinstance(part, dict):
            own = len(part.get("properties", {})) if isinstance(part.get("properties"), dict) else 0
            return own + sum(map(count, part.values()))
        return sum(map(count, part)) if isinstance(part, list) else 0

    assert len(CONFIG_KEYS) >= count(CONFIG)
    assert len({str(path[-1]) for path, _ in REGISTRY_KEYS}) >= count(REGISTRY)


@pytest.mark.parametrize("path", [path for path, _ in CONFIG_KEYS], ids=lambda path: ".".join(map(str, path)))
def test_every_key_with_nothing_another_type_or_too_much(path):
    part = next(part for known, part in CONFIG_KEYS if known == path)
    for value in [None, {"a": 1}, ["text", 1], "x" * 10_000, 10**30, *around(part)]:
        content = with_value(SOUND, path, value)
        taken = refusal(lambda: Plan(content)) is None  # noqa: B023
        assert not (taken and refused_by_schema(content, CONFIG)), value


@pytest.mark.parametrize("path", [path for path, _ in CONFIG_KEYS if isinstance(path[-1], str)],
                         ids=lambda path: ".".join(map(str, path)))  # fmt: skip
def test_a_misspelt_key_is_named_with_the_right_one(path, folder):
    if path[:-1] in [("datasets",), ("methods",), ("experiments",), ("measurements", "member_topology", "datasets")]:
        return  # free names
    code, (line,) = check_configuration(with_value(SOUND, (*path[:-1], f"{path[-1]}x"), 1), folder)
    assert code == 2
    assert f'unknown key "{path[-1]}x"; did you mean "{path[-1]}"?' in line


values = st.one_of(
    st.sampled_from(ODD),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
        max_leaves=5,
    ),
)


@settings(max_examples=CASES, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.lists(st.tuples(st.sampled_from(CONFIG_KEYS), values), min_size=1, max_size=2))
@example([((("training", "epochs"), {}), 10**400)])
@example([((("methods",), {}), {1: 2})])
def test_no_configuration_gives_a_traceback_or_starts_a_job_it_should_not(folder, changes):
    content = SOUND
    for (path, part), value in changes:
        for chosen in [value, *around(part)][:3]:
            try:
                changed = with_value(content, path, chosen)
                yaml.safe_dump(changed)
            except (KeyError, IndexError, TypeError, AttributeError, ValueError):
                continue  # the first change took away the place of the second
            check_configuration(changed, folder)
        content = changed


@settings(max_examples=max(CASES // 5, 20), suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.sampled_from(REGISTRY_KEYS), values)
def test_no_registry_gives_a_traceback(folder, key, value):
    path, part = key
    for chosen in [value, *around(part)]:
        check_registry(with_value(SOUND_REGISTRY, path, chosen), folder)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "text", "1", "{", "a: [", "- a\n- b", "\x00", "preset: !!python/object/apply:os.getcwd []",
     "preset: &a [*a]", "preset: {<<: 1}", f"seeds: {'1' * 5000}", "[" * 20_000, "a: b: c", "%YAML 9.9\n---\n",
     "preset: 2020-02-31", "preset: 0x", "? [1]\n: 2"],
)  # fmt: skip
def test_no_text_gives_a_traceback(folder, text):
    file, errors = folder / "text.yaml", io.StringIO()
    file.write_text(text, encoding="utf-8")
    with redirect_stderr(errors):
        assert cli.main(["run", RUN, "--config", str(file)]) == 2
    assert len([line for line in errors.getvalue().splitlines() if line.startswith("error: ")]) == 1
    assert refusal(lambda: registry.read(file))
