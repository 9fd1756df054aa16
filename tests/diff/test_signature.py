from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from pytest_torchgraph.canonical.program import Work
from pytest_torchgraph.diff.signature import TABLE, named_arguments, signature_of
from tests.diff.schemas import table


@pytest.mark.skipif(not torch.__version__.startswith("2.13."), reason="the table holds the schemas of PyTorch 2.13")
def test_the_table_is_that_of_the_dispatcher() -> None:
    assert TABLE.read_text(encoding="utf-8") == table(), "write it with: python -m tests.diff.schemas"


def test_arguments_are_named_as_the_dispatcher_names_them() -> None:
    work = Work("aten.native_layer_norm.default", (1, (16,), None, None, 1e-5), (), ())
    assert list(named_arguments(work)) == ["input", "normalized_shape", "weight", "bias", "eps"]


def test_defaults_are_known() -> None:
    assert signature_of(Work("aten.gelu.default", (1,), (), ())).defaults == {"approximate": "none"}
    assert signature_of(Work("aten.mean.dim", (1,), (), ())).defaults == {"keepdim": False, "dtype": None}


def test_arguments_of_an_operation_that_is_not_known_are_counted() -> None:
    work = Work("mylib.mix.default", (1, 2), (("scale", 3),), ())
    assert named_arguments(work) == {"argument 0": 1, "argument 1": 2, "scale": 3}


def test_reading_the_table_needs_no_torch() -> None:
    code = (
        "import sys; from pytest_torchgraph.diff import signature; signature._signature('add.Tensor');"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
