"""C++ is read with its grammar, and what the grammar cannot read is told."""

from __future__ import annotations

import sys

import pytest

from pytest_torchgraph.catalog.autograd import cpp
from pytest_torchgraph.catalog.autograd.masking import masked

HEADER = b"""\
#pragma once
#include <vector>
#include "edge.h"

namespace torch::autograd {

// A node of the graph. It has edges.
struct TORCH_API Node : std::enable_shared_from_this<Node> {
  explicit Node(int n);
  virtual variable_list apply(variable_list&& inputs) = 0;
  std::vector<Edge> edges_; int* count_ = nullptr;
  struct Inner { bool flag; };
};

#ifdef _WIN32
class Only : public Windows {
#else
class Only {
#endif
  int x;
};

template <typename T>
T twice(T value) { return value + value; }

namespace detail { bool is_leaf(const Node& node, std::vector<int> seen = {}); }
enum class Mode { a, b };
} // namespace
"""


def test_classes_functions_and_includes_are_found_with_lines_and_scopes() -> None:
    reading = cpp.read(HEADER)
    assert [(one.kind, one.name, one.line) for one in reading.definitions] == [
        ("struct", "torch::autograd::Node", 8),
        ("struct", "torch::autograd::Node::Inner", 12),
        ("class", "torch::autograd::Only", 18),
        ("function", "torch::autograd::twice", 24),
        ("function", "torch::autograd::detail::is_leaf", 26),
        ("enum", "torch::autograd::Mode", 27),
    ]
    assert [(one.name, one.line) for one in reading.includes] == [("vector", 2), ("edge.h", 3)]
    assert reading.unread == ()


def test_a_class_tells_its_bases_fields_functions_and_comment() -> None:
    node = cpp.read(HEADER).definitions[0]
    assert node.bases == ("std::enable_shared_from_this<Node>",)
    assert node.comment == "A node of the graph."
    fields = [(one.name, one.type) for one in node.members if one.kind == "field"]
    assert fields == [("edges_", "std::vector<Edge>"), ("count_", "int*")]
    assert [one.name for one in node.members if one.kind == "function"] == ["Node", "apply"]


def test_commented_and_quoted_code_defines_nothing() -> None:
    source = b'// struct A { };\n/* class B {}; */\nconst char* text = "struct C { int x; };";\nstruct D { };\n'
    assert [one.name for one in cpp.read(source).definitions] == ["D"]


def test_lines_that_the_grammar_cannot_read_are_told_and_the_rest_is_read() -> None:
    reading = cpp.read(b"struct A { int x; };\nint ) ( broken;\nstruct B { int y; };\n")
    assert 2 in reading.unread
    assert {"A", "B"} <= {one.name for one in reading.definitions}


def test_masking_moves_nothing() -> None:
    text = masked(HEADER)
    assert len(text) == len(HEADER)
    assert [len(line) for line in text.splitlines()] == [len(line) for line in HEADER.splitlines()]


def test_a_missing_parser_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tree_sitter_cpp", None)
    cpp.parser.cache_clear()
    try:
        with pytest.raises(cpp.ParserMissing, match=r"pip install 'pytest-torchgraph\[catalog\]'"):
            cpp.parser()
    finally:
        cpp.parser.cache_clear()
