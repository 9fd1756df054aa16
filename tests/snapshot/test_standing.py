"""What the source of a test file proves about a test that was not collected from it."""

from __future__ import annotations

from textwrap import dedent

import pytest

from pytest_torchgraph.snapshot.owner import Owner
from pytest_torchgraph.snapshot.standing import missing

MODULE = """
    import pytest
    import torch
    from torch import nn
    from helpers import Model, build

    torch.manual_seed(0)
    pytest.importorskip("numpy")
    log = logging.getLogger(__name__)

    class Tiny(nn.Module):
        def forward(self, x):
            return x.eval() if self.training else x.type(x.dtype)

    @pytest.fixture
    def model():
        return build().eval()

    @pytest.mark.parametrize("n", [1, 2])
    @torch.no_grad()
    def test_kept(torch_graph, model, n):
        torch_graph.check(model, torch.compile(n).modules())

    class TestKept:
        def test_method(self):
            pass

    class TestChild(TestKept):
        class TestInner:
            def test_inner(self):
                pass

    if __name__ == "__main__":
        pytest.main()
        unittest.main()
"""


def is_gone(source: bytes, classes: tuple[str, ...], function: str) -> bool:
    return bool(missing(source, Owner("tests/test_m.py", classes, function)))


def gone(source: str, *names: str) -> bool:
    return is_gone(dedent(source).encode(), names[:-1], names[-1])


@pytest.mark.parametrize(
    "names",
    [
        ("test_gone",),
        ("TestGone", "test_method"),
        ("TestKept", "test_gone"),
        ("TestChild", "test_gone"),
        ("TestChild", "TestInner", "test_gone"),
        ("TestChild", "TestGone", "test_inner"),
        ("test_method",),
        ("TestKept", "test_kept"),
    ],
    ids="::".join,
)
def test_what_stands_nowhere_in_an_ordinary_file_is_gone(names: tuple[str, ...]) -> None:
    assert gone(MODULE, *names)


@pytest.mark.parametrize(
    "names",
    [
        ("test_kept",),
        ("TestKept", "test_method"),
        ("TestChild", "test_method"),
        ("TestChild", "TestInner", "test_inner"),
    ],
    ids="::".join,
)
def test_what_stands_there_is_not_gone(names: tuple[str, ...]) -> None:
    assert not gone(MODULE, *names)


@pytest.mark.parametrize(
    "line",
    [
        "if 0:\n    def test_gone(): pass",
        "try:\n    pass\nexcept ImportError:\n    async def test_gone(): pass",
        "for test_gone in (): pass",
        "with open(0) as test_gone: pass",
        "def make():\n    global test_gone\n    def test_gone(): pass",
        "test_gone = test_kept",
        "[test_gone := 1]",
        "import test_gone",
        "from a import b as test_gone",
        "from a import *",
        "match 1:\n    case test_gone: pass",
        "x.test_gone = 1",
        "globals().update(a())",
        "vars(m)[n] = 1",
        "m.__dict__[n] = 1",
        "setattr(m, n, 1)",
        "exec(s)",
        "eval(s)",
        "sys.modules[n].x = 1",
        "from sys import modules",
        "from builtins import setattr as put",
        "builtins.exec(s)",
        "make_tests()",
        "for n in range(3):\n    make_tests(n)",
        "if True:\n    make_tests(n)",
        "helpers.make_tests(__name__)",
        "x = make_tests(__name__)",
        "torch.testing.instantiate(TestKept)",
        "def load_tests(loader, tests, pattern): pass",
        "x = type('TestGone', (), {})",
        "class TestMore:\n    def test_in(): pass\n    exec(s)",
        "@expand(2)\ndef test_(): pass",
        "@parameterized.expand([])\nclass test_g: pass",
        "class test(nn.Module): pass",
        "def broken(:",
    ],
)
def test_what_a_file_may_have_made_otherwise_is_not_gone(line: str) -> None:
    assert not is_gone(f"{dedent(MODULE)}\n{line}\n".encode(), (), "test_gone")


@pytest.mark.parametrize(
    "head",
    [
        "(Base)",
        "(nn.Module)",
        "(Elsewhere.Base)",
        "(Generic[T])",
        "(TestKept, Base)",
        "(metaclass=Meta)",
        "(Both)",
        "(make())",
    ],
)
def test_what_a_class_may_inherit_from_elsewhere_is_not_gone(head: str) -> None:
    more = f"class Both: pass\nfrom a import Both\nclass TestModel{head}: pass\nclass TestBelow(TestModel): pass\n"
    for name in ("TestModel", "TestBelow", "TestModelCUDA"):
        assert not is_gone(f"{dedent(MODULE)}\n{more}".encode(), (name,), "test_gone")
    assert is_gone(f"{dedent(MODULE)}\n{more}".encode(), (), "test_gone")


def test_what_a_decorator_may_add_to_a_class_is_not_gone() -> None:
    assert not gone("@made_of('a folder')\nclass TestA: pass", "TestA", "test_gone")
    assert gone("@pytest.mark.slow\nclass TestA: pass", "TestA", "test_gone")


def test_an_imported_class_is_not_looked_into() -> None:
    assert not gone("from a import TestModel", "TestModel", "test_gone")
    assert not gone("class TestModel: pass\nTestModel = wrap(TestModel)", "TestModel", "test_gone")


def test_classes_that_inherit_one_another_end() -> None:
    assert gone("class TestA(TestB): pass\nclass TestB(TestA): pass", "TestA", "test_gone")


@pytest.mark.parametrize("source", [b"\xff\xfe", b"# coding: nonsense\n", b"\x00", b"(" * 5000])
def test_what_cannot_be_parsed_proves_nothing(source: bytes) -> None:
    assert not is_gone(source, (), "test_gone")


@pytest.mark.parametrize(
    ("test", "told"),
    [
        ("test_gone[x::y]", "test_gone"),
        ("TestGone::TestInner::test_inner", "TestGone"),
        ("TestChild::TestGone::test_inner", "TestGone"),
        ("TestChild::TestInner::test_gone", "test_gone"),
        ("TestChild::TestInner::test_inner", ""),
    ],
)
def test_the_outermost_part_that_is_missing_is_named(test: str, told: str) -> None:
    assert missing(dedent(MODULE).encode(), Owner.of(f"tests/test_m.py::{test}")) == told


def test_what_may_be_the_doctest_of_the_module_is_not_gone() -> None:
    assert not missing(b'"""\n>>> 1 + 1\n2\n"""', Owner.of("tests/test_m.py::test_m"))
    assert missing(b'"""Nothing."""', Owner.of("tests/test_m.py::test_m"))
