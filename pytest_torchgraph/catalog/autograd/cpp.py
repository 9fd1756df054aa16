"""C++ files read with tree-sitter's grammar: what they define, declare and include."""

from __future__ import annotations

from dataclasses import field
from functools import cache
from typing import TYPE_CHECKING

from pytest_torchgraph.catalog.autograd.masking import masked
from pytest_torchgraph.catalog.autograd.source import Definition, Include, Member, Reading
from pytest_torchgraph.catalog.autograd.wording import first_sentence
from pytest_torchgraph.quick import dataclass

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

CLASSES = {"class_specifier": "class", "struct_specifier": "struct", "enum_specifier": "enum"}
OPENED = {
    *("translation_unit", "declaration_list", "linkage_specification", "template_declaration", "ERROR"),
    *("preproc_if", "preproc_ifdef", "preproc_else", "preproc_elif", "preproc_elifdef"),
}
"""Nodes around declarations that add nothing to a name."""
DECLARATIONS = {"declaration", "field_declaration", "function_definition", "type_definition"}
INSTALL = "Reading C++ needs tree-sitter and its C++ grammar: pip install 'pytest-torchgraph[catalog]'"


class ParserMissing(ImportError):
    """tree-sitter is not installed."""


@dataclass(slots=True)
class _Pages:
    """What has been found in one file so far."""

    source: bytes
    definitions: list[Definition] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)

    def text(self, node: Node) -> str:
        """The source of *node* on one line."""
        return " ".join(self.source[node.start_byte : node.end_byte].decode("utf-8", "replace").split())


@cache
def parser() -> Parser:
    """The parser of C++; raises :exc:`ParserMissing` with what to install."""
    try:
        import tree_sitter
        import tree_sitter_cpp
    except ImportError as error:
        raise ParserMissing(INSTALL) from error
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_cpp.language()))


def read(source: bytes) -> Reading:
    """The definitions and includes of one header or implementation file."""
    pages = _Pages(masked(source))
    root = parser().parse(pages.source).root_node
    _walk(pages, root, "", "")
    comments = (definition.comment for definition in pages.definitions if definition.is_class and definition.comment)
    return Reading(
        definitions=tuple(sorted(pages.definitions, key=lambda definition: (definition.line, definition.name))),
        includes=tuple(pages.includes),
        summary=_head(pages, root) or next(comments, ""),
        unread=tuple(_unread(root)),
    )


def _walk(pages: _Pages, node: Node, scope: str, comment: str) -> None:
    """Visit the declarations inside *node*; *comment* stands above it."""
    above: list[Node] = []
    for child in node.named_children:
        if child.type == "comment":
            adjacent = above and above[-1].end_point.row + 1 >= child.start_point.row
            above = [*above, child] if adjacent else [child]
            continue
        near = above and above[-1].end_point.row + 1 >= child.start_point.row
        _visit(pages, child, scope, _sentence(pages, above) if near else comment)
        above = []


def _visit(pages: _Pages, node: Node, scope: str, comment: str) -> None:
    if node.type in OPENED:
        _walk(pages, node, scope, comment if node.type == "template_declaration" else "")
    elif node.type == "preproc_include":
        _include(pages, node)
    elif node.type == "namespace_definition":
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if body:
            _walk(pages, body, _join(scope, pages.text(name).replace(" ", "") if name else ""), "")
    elif node.type in CLASSES:
        _class(pages, node, scope, comment)
    elif node.type in DECLARATIONS:
        _declaration(pages, node, scope, comment)


def _include(pages: _Pages, node: Node) -> None:
    path = node.child_by_field_name("path")
    if path and path.type in ("string_literal", "system_lib_string"):
        pages.includes.append(Include(name=pages.text(path).strip('<>"'), line=node.start_point.row + 1))


def _declaration(pages: _Pages, node: Node, scope: str, comment: str) -> None:
    """A function, or a class that a declaration defines on the way."""
    kind = node.child_by_field_name("type")
    if kind and kind.type in CLASSES:
        _class(pages, kind, scope, comment)
    function = _function(node)
    if function is None:
        return
    name = function.child_by_field_name("declarator")
    if name and name.type in ("identifier", "qualified_identifier", "operator_name", "destructor_name"):
        pages.definitions.append(_definition("function", _join(scope, pages.text(name)), node, comment=comment))


def _class(pages: _Pages, node: Node, scope: str, comment: str) -> None:
    name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
    if not name or not body:
        return
    full = _join(scope, pages.text(name))
    clause = next((child for child in node.children if child.type == "base_class_clause"), None)
    left_out = ("access_specifier", "comment", "virtual")
    bases = [pages.text(base) for base in clause.named_children if base.type not in left_out] if clause else []
    members = [] if node.type == "enum_specifier" else _members(pages, body, full)
    pages.definitions.append(
        _definition(CLASSES[node.type], full, node, comment=comment, bases=tuple(bases), members=tuple(members))
    )


def _definition(
    kind: str, name: str, node: Node, *, comment: str, bases: tuple[str, ...] = (), members: tuple[Member, ...] = ()
) -> Definition:
    return Definition(
        kind=kind,
        name=name,
        line=node.start_point.row + 1,
        end_line=node.end_point.row + 1,
        bases=bases,
        members=members,
        comment=comment,
    )


def _members(pages: _Pages, body: Node, scope: str) -> list[Member]:
    members: list[Member] = []
    for child in body.named_children:
        if child.type in OPENED:
            members += _members(pages, child, scope)
        elif child.type in DECLARATIONS:
            members += _member(pages, child, scope)
    return members


def _member(pages: _Pages, node: Node, scope: str) -> list[Member]:
    kind = node.child_by_field_name("type")
    if kind and kind.type in CLASSES and kind.child_by_field_name("body"):
        _class(pages, kind, scope, "")
    line = node.start_point.row + 1
    function = _function(node)
    if function is not None:
        name = function.child_by_field_name("declarator")
        return [Member(kind="function", name=pages.text(name), type="", line=line)] if name else []
    found = []
    for declarator in node.children_by_field_name("declarator"):
        before = pages.source[node.start_byte : node.children_by_field_name("declarator")[0].start_byte]
        name, marks = _named(declarator)
        kind_text = " ".join(before.decode("utf-8", "replace").split()) + marks
        found.append(Member(kind="field", name=pages.text(name), type=kind_text, line=declarator.start_point.row + 1))
    return found


def _named(declarator: Node) -> tuple[Node, str]:
    """The name inside a declarator, and the ``*``, ``&`` and ``[]`` around it."""
    marks = {"pointer_declarator": "*", "reference_declarator": "&", "array_declarator": "[]"}
    spelled = ""
    while declarator.type in marks:
        spelled += marks[declarator.type]
        inner = declarator.child_by_field_name("declarator") or next(iter(declarator.named_children), None)
        if inner is None:
            break
        declarator = inner
    return declarator, spelled


def _function(node: Node) -> Node | None:
    """The function declarator of a declaration; None where it declares no function."""
    inner = node.child_by_field_name("declarator")
    while inner is not None and inner.type in ("pointer_declarator", "reference_declarator"):
        inner = inner.child_by_field_name("declarator") or next(iter(inner.named_children), None)
    return inner if inner is not None and inner.type == "function_declarator" else None


def _join(scope: str, name: str) -> str:
    return f"{scope}::{name}" if scope and name else scope or name


def _sentence(pages: _Pages, comments: list[Node]) -> str:
    text = "\n".join(pages.source[node.start_byte : node.end_byte].decode("utf-8", "replace") for node in comments)
    return first_sentence(text)


def _head(pages: _Pages, root: Node) -> str:
    """The comment that opens the file."""
    for child in root.named_children:
        if child.type == "comment":
            sentence = _sentence(pages, [child])
            if sentence:
                return sentence
        elif child.type != "preproc_call":
            return ""
    return ""


def _unread(root: Node) -> list[int]:
    lines: set[int] = set()
    pending = [root] if root.has_error else []
    while pending:
        node = pending.pop()
        if node.type == "ERROR" or node.is_missing:
            lines.add(node.start_point.row + 1)
        else:
            pending += [child for child in node.children if child.has_error]
    return sorted(lines)
