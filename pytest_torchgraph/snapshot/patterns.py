"""The shapes of lines and of what stands in them, for writer and reader alike."""

from __future__ import annotations

import re

from pytest_torchgraph.snapshot.literal import LITERAL
from pytest_torchgraph.snapshot.operations import OPERATION
from pytest_torchgraph.snapshot.reading import READING
from pytest_torchgraph.snapshot.tensor import SPEC
from pytest_torchgraph.words.quoting import METHODS, NAME, QUOTED

CLASS = r"[A-Za-z_<][\w.<>]*"
KEYWORD = r"[A-Za-z_]\w*"
OUTPUT_PATH = r"[^\s\"%$]\S*"
CALL = r"#(?:again)?\d*"
STEP = rf"(?:(?:{NAME}|{QUOTED})(?:{CALL})?|#again\d*)(?:_\d+)?"
VALUE = f"%{STEP}"
SAVED = rf"\^+{STEP}(?:>{STEP})*"
LEAF = rf"(?:(?:/|(?:\.\./)+)\w+|[A-Za-z_]\w*)(?:\.(?!T\b|(?:{'|'.join(METHODS)})\()\w+)*"

is_class = re.compile(CLASS, re.ASCII).fullmatch
is_keyword = re.compile(KEYWORD, re.ASCII).fullmatch
is_output_path = re.compile(OUTPUT_PATH).fullmatch
is_leaf = re.compile(LEAF, re.ASCII).fullmatch

_OPERAND = (
    rf"(?P<value>{VALUE}|{SAVED})(?::(?P<position>\d+))?(?P<reading>{READING})|(?P<literal>{LITERAL})|(?P<open>\[)"
    rf"|\$(?P<marked>{QUOTED}|{NAME})(?::(?P<marked_spec>{SPEC}))?(?P<marked_reading>{READING})"
)
ARGUMENT = re.compile(rf"{_OPERAND}|(?P<leaf>{LEAF})(?::(?P<spec>{SPEC}))?(?P<leaf_reading>{READING})", re.ASCII)
OUTCOME = re.compile(rf"(?P<spec>{SPEC})|{_OPERAND}", re.ASCII)
KEYWORD_AHEAD = re.compile(rf"({KEYWORD}|{QUOTED})=", re.ASCII)

CALLED = re.compile(rf"({OPERATION})\(", re.ASCII)
"""How the line of an operation or an API call begins; that of nothing else does."""

LINE = re.compile(
    rf"(?P<given>input|constant)(?: (?P<name>{NAME}|{QUOTED}))? (?P<spec>{SPEC})$"
    rf"|(?P<scope>{NAME}|{QUOTED}|(?=#again))(?:#(?P<call>\d+|again\d*))?: (?P<class>{CLASS}|{QUOTED})"
    rf"|for (?P<loop>each|all)(?:#(?P<loop_call>\d+))?(?=[ (])"
    rf"|phase (?P<phase>{KEYWORD})(?:#(?P<phase_call>\d+))?(?:: (?P<title>{CLASS}|{QUOTED}))?(?=[ (]|$)"
    rf"|(?P<leaves>leaves) "
    rf"|(?P<output>return)(?: (?P<path>{QUOTED}|{OUTPUT_PATH}) =)? ",
    re.ASCII,
)
