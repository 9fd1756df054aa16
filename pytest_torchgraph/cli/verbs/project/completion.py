"""``torchgraph completion SHELL``: what a shell needs to complete verbs and options; paths it completes by itself."""

from __future__ import annotations

import argparse
import shlex
from typing import Any

from pytest_torchgraph.cli.exits import SAME
from pytest_torchgraph.cli.streams import say

BASH = """\
_torchgraph() {
    local word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]}
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "@verbs@" -- "$word"))
        return
    fi
    case "$verb" in
@cases@
    esac
}
complete -o default -F _torchgraph torchgraph
"""
BASH_CASE = """\
        {verb}) [ "${{word#-}}" = "$word" ] || COMPREPLY=($(compgen -W "{options}" -- "$word")) ;;"""
ZSH = "autoload -U +X bashcompinit && bashcompinit\n" + BASH
SHELLS = ("bash", "zsh", "fish")
SETUP = {
    "bash": "source <(torchgraph completion bash)   in ~/.bashrc",
    "zsh": "source <(torchgraph completion zsh)   in ~/.zshrc, after compinit",
    "fish": "torchgraph completion fish > ~/.config/fish/completions/torchgraph.fish",
}


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    told = "\n".join(f"  {line}" for line in SETUP.values())
    parser = verbs.add_parser(
        "completion",
        help="print what a shell needs to complete verbs and options",
        description=f"Print a script for the shell. To have it at every start:\n{told}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("shell", choices=SHELLS, help="the shell that completes")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the script."""
    from pytest_torchgraph.cli.main import parser

    known = verbs_of(parser())
    say(fish(known) if arguments.shell == "fish" else posix(known, ZSH if arguments.shell == "zsh" else BASH))
    return SAME


def verbs_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Each verb that the help lists, and its own command line."""
    (inner,) = (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))  # noqa: SLF001
    listed = {each.dest for each in inner._choices_actions}  # noqa: SLF001  argparse tells it nowhere else
    return {verb: own for verb, own in inner.choices.items() if verb in listed}


def options_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """The options of one verb."""
    return [each for each in parser._actions if each.option_strings]  # noqa: SLF001


def posix(verbs: dict[str, argparse.ArgumentParser], script: str) -> str:
    """The script for bash, and for zsh, which can read it."""
    cases = [
        BASH_CASE.format(verb=verb, options=" ".join(name for each in options_of(own) for name in each.option_strings))
        for verb, own in verbs.items()
    ]
    return script.replace("@verbs@", " ".join([*verbs, "--help", "--version"])).replace("@cases@", "\n".join(cases))


def fish(verbs: dict[str, argparse.ArgumentParser]) -> str:
    """The script for fish, with a word on each verb and option."""
    lines = []
    for verb, own in verbs.items():
        told = shlex.quote((own.description or "").partition(". ")[0].partition("\n")[0])
        lines.append(f"complete -c torchgraph -n __fish_use_subcommand -f -a {verb} -d {told}")
        for option in options_of(own):
            names = [f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.option_strings]
            value = f" -x -a {shlex.quote(' '.join(map(str, option.choices)))}" if option.choices else ""
            seen = f"'__fish_seen_subcommand_from {verb}'"
            lines.append(f"complete -c torchgraph -n {seen} {' '.join(names)}{value}")
    return "\n".join(lines) + "\n"
