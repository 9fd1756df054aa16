"""Random edits and command lines: no snapshot of a test that stands is lost, and a green run is green again."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.plugin.conftest import STUBS
from tests.plugin.forked import Server
from tests.plugin.generated import PIECES, PROJECTS, WHOLE, Generated

DEFINITIONS = [(file, name) for file, pieces in PIECES.items() for name in pieces]
FILES = tuple(PIECES)
NOT_THE_SAME_TWICE = ("--lf", "--sw")
"""Options by which the next run is of other tests."""


@dataclass(frozen=True)
class Step:
    """Definitions that are removed or put back, then a run of *arguments* in a folder of one project."""

    turned: tuple[tuple[str, str], ...]
    project: str
    below: bool
    arguments: tuple[str, ...]
    device: bool
    update: bool


def path_to(file: str, name: str = "") -> str:
    return f"tests/{file}" + (f"::{name}" if name else "")


whole = st.sampled_from([(), ("tests",), ("tests/",)])
paths = st.one_of(
    whole,
    whole,
    st.lists(st.sampled_from([path_to(file) for file in FILES]), min_size=1, max_size=3, unique=True).map(tuple),
    st.sampled_from([(path_to(file, name),) for file, name in DEFINITIONS if name.startswith("test_")]),
)
choices = st.sampled_from(
    [
        *[("-k", word) for word in ("test_a", "not test_a", "always", "Test", "params and not cuda")],
        *[("-m", word) for word in ("slow", "not slow")],
        *[("--model", word) for word in ("bert", "gpt", "none")],
        *[("--deselect", path_to(file)) for file in FILES[:3]],
        *[("--ignore", path_to(file)) for file in FILES[:3]],
        ("--torchgraph-compare=budget", "--torchgraph-budget=ops:99"),
        ("-p", "no:cacheprovider"),
        ("-c", "pytest.ini"),
        ("--rootdir", "."),
        *[
            (word,)
            for word in (
                *("--lf", "--ff", "--nf", "--sw", "-x", "--maxfail=2", "--reruns=1", "--setup-plan", "--setup-show"),
                *(
                    "--collect-only",
                    "--early",
                    "--silent",
                    "--doctest-modules",
                    "--no-summary",
                    "--import-mode=importlib",
                ),
            )
        ],
    ]
)
arguments = st.tuples(paths, st.one_of(st.just([]), st.lists(choices, max_size=2))).map(
    lambda both: (*both[0], *[word for choice in both[1] for word in choice])
)
steps = st.builds(
    Step,
    turned=st.lists(st.sampled_from(DEFINITIONS), max_size=3, unique=True).map(tuple),
    project=st.sampled_from(list(PROJECTS)),
    below=st.booleans(),
    arguments=arguments,
    device=st.booleans(),
    update=st.sampled_from([True, True, False]),
)


def run(server: Server, project: Generated, step: Step, *, update: bool) -> tuple[int, str]:
    """The run of *step*; in the folder of the tests it has no path, and pytest finds the root directory above."""
    more = ("--torchgraph-update",) if update else ()
    device = {"DEVICE": "1"} if step.device else {}
    inside = step.below and not any(word.startswith(("tests", "-c", "--rootdir")) for word in step.arguments)
    folder = project.path / step.project / ("tests" if inside else "")
    words = tuple(word.replace("tests/", "") for word in step.arguments) if inside else step.arguments
    if step.project == "." and not inside and not any(word.startswith("tests") for word in words):
        words = (*words, "tests")
    return server.run(folder, *words, *more, top=project.path, **device)


def take(server: Server, project: Generated, step: Step) -> None:
    """Make the edits and the run of *step*; fails when a snapshot is lost, or what was green is not."""
    for file, name in step.turned:
        project.turn(step.project, file, name)
    before = project.snapshots()
    code, text = run(server, project, step, update=step.update)
    assert code in (0, 1, 2, 4, 5), text
    assert_kept(project, before, text)
    if code == 0 and not set(NOT_THE_SAME_TWICE) & set(step.arguments):
        between = project.snapshots()
        code, text = run(server, project, step, update=False)
        assert code == 0, text
        assert project.snapshots() == between


def assert_kept(project: Generated, before: dict[Path, bytes], text: str) -> None:
    after = project.snapshots()
    lost = [path for path, content in before.items() if project.stands(path, content) and after.get(path) != content]
    assert not lost, f"{lost}\n{text}"


@pytest.fixture(scope="module")
def recorded(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Generated:
    """The projects with a snapshot of every test that any machine makes."""
    made = Generated(tmp_path_factory.mktemp("generated") / "projects")
    made.write()
    shutil.copy(STUBS, made.path / "stubs.py")
    for project in PROJECTS:
        code, text = server.run(
            made.path / project, *WHOLE, "--torchgraph-update", top=made.path, DEVICE="1", PYTHONHASHSEED="0"
        )
        assert code == 0, text
    assert len(made.snapshots()) % len(PROJECTS) == 0
    return made


def search(server: Server, recorded: Generated, folder: Path, examples: int, *phases: Phase) -> None:
    """Take random steps, on a copy of *recorded* for each example."""

    @settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        phases=phases or tuple(Phase),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(st.lists(steps, min_size=1, max_size=4))
    def nothing_is_lost(taken: list[Step]) -> None:
        shutil.rmtree(folder / "copy", ignore_errors=True)
        project = recorded.copy(folder / "copy")
        for step in taken:
            take(server, project, step)

    nothing_is_lost()


def test_no_snapshot_of_a_test_that_stands_is_lost(server: Server, recorded: Generated, tmp_path: Path) -> None:
    search(server, recorded, tmp_path, 10)


@pytest.mark.long
def test_no_snapshot_of_a_test_that_stands_is_lost_in_many_more_runs(
    server: Server, recorded: Generated, tmp_path: Path
) -> None:
    search(server, recorded, tmp_path, 400)


STANDING, UNUSED = "pytest_torchgraph.snapshot.standing", "pytest_torchgraph.plugin.session.unused"
DEFECTS = {
    "what was not collected is gone": (f"{UNUSED}:missing", "lambda *_: 'all'"),
    "what was not claimed is gone": (f"{UNUSED}:find", "lambda *given: (sum(sound(*given), []), [])"),
    "whatever lies in the folder is mine": (f"{UNUSED}:_would_lie_at", "lambda *_: True"),
    "a file that is not collected is gone": (f"{UNUSED}:_is_missing", "lambda _: True"),
    "what is written into a namespace is not seen": (f"{STANDING}:_writes_names", "lambda _: False"),
    "bases from elsewhere are not seen": (f"{STANDING}:_family", "lambda tree, classes: list(classes)"),
    "a definition under a condition is not seen": (
        f"{STANDING}:_bindings",
        "lambda container: ((name, node) for node in container.body for name in _bound_by(node))",
    ),
    "a doctest is taken for a function": (f"{UNUSED}:_is_plain", "lambda *_: True"),
}


@pytest.mark.long
@pytest.mark.parametrize("defect", DEFECTS)
def test_the_search_finds_planted_defects(
    server: Server, recorded: Generated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, defect: str
) -> None:
    place, wrong = DEFECTS[defect]
    monkeypatch.setattr(server, "planted", {place: wrong})
    with pytest.raises(AssertionError):
        search(server, recorded, tmp_path, 100, Phase.generate)
