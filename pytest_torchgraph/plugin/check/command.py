"""The command that runs one test again, as it works from where pytest was started."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.plugin.location import from_here, label

if TYPE_CHECKING:
    import pytest

WITH_VALUE = (
    *("-c", "--config-file", "--rootdir", "-o", "--override-ini", "-p", "--import-mode", "--confcutdir"),
    "--torchgraph-snapshot-dir",
)
ALONE = ("--noconftest", "--doctest-modules")
LOADED_ANYWAY = frozenset({"no", "syrupy", "xdist", "pytest_rerunfailures", "pytest_torchgraph", "torchgraph"})
"""Plugins given by ``-p`` that do not decide which tests there are."""
SETTINGS = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
"""Files by which pytest may find another root directory for one test than for all that were given."""


def command(test: str, config: pytest.Config, *options: str) -> str:
    """``pytest TEST OPTION``, and what of the command line decides where *test* and its snapshots lie."""
    carried = list(_carried(config))
    root = list(_root(test, config, carried))
    return shlex.join(["pytest", from_here(test, config), *options, *carried, *root])


def _root(test: str, config: pytest.Config, carried: list[str]) -> Iterator[str]:
    """What keeps the root directory, where settings that lie nearer to *test* would win if it was run alone."""
    top = config.inipath.parent if config.inipath else config.rootpath
    folders = (config.rootpath / test.partition("::")[0]).parents
    nearer = [folder for folder in folders if folder != top and folder.is_relative_to(top)]
    names = SETTINGS if config.inipath else (*SETTINGS, "setup.py")
    if not any((folder / name).is_file() for folder in nearer for name in names):
        return
    given = {word.partition("=")[0] for word in carried}
    here = config.invocation_params.dir
    if config.inipath and not given & {"-c", "--config-file"}:
        yield from ("-c", label(config.inipath, here))
    if not (config.inipath and top == config.rootpath) and "--rootdir" not in given:
        yield from ("--rootdir", label(config.rootpath, here))


def _carried(config: pytest.Config) -> Iterator[str]:
    """The words of the command line that have to be given again."""
    valued, alone = _custom(config)
    words = iter(map(str, config.invocation_params.args))
    for word in words:
        name, equals, _ = word.partition("=")
        if word in alone or (equals and name in valued):
            yield word
        elif word in valued:
            value = next(words, "")
            yield from () if word == "-p" and _is_loaded_anyway(value) else (word, value)
        elif word[:2] in ("-c", "-o") or (word.startswith("-p") and not _is_loaded_anyway(word[2:])):
            yield word


def _is_loaded_anyway(plugin: str) -> bool:
    return re.split(r"[.:]", plugin)[0] in LOADED_ANYWAY


def _custom(config: pytest.Config) -> tuple[set[str], set[str]]:
    """Options that decide which tests there are, with a value and without.

    Those that the project's own conftest files added are among them: one may skip a test that it is not given for.
    """
    group: Any = getattr(getattr(config, "_parser", None), "_anonymous", None)
    valued, alone = set(WITH_VALUE), set(ALONE)
    for option in getattr(group, "options", ()):
        attributes: dict[str, Any] = option.attrs()
        takes_value = attributes.get("action", "store") in ("store", "append") and attributes.get("nargs") is None
        (valued if takes_value else alone).update(option.names())
    return valued, alone
