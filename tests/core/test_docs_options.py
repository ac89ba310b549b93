"""Every option that the documentation names is one of some command, and where it shows a whole command, of that one."""

import re
import shlex
from pathlib import Path

import click
import pytest
from kerasforecast_cli.main import cli

ROOT = Path(__file__).parents[2]
TEXTS = [
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / "docs").rglob("*.ipynb"),
    ROOT / "README.md",
    ROOT / "README.pt.md",
]
OF_OTHERS = {"--index-url", "--no-deps", "--preload", "--address", "--working-dir"}  # of pip, gunicorn and ray
ELSEWHERE = {"--help", "--help-all"} | OF_OTHERS  # click adds those two
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]+(?!\w)")
COMMAND = re.compile(r"(?:^ {4,}|`|[!|;] ?)(?:KERAS_BACKEND=\w+ )?kerasforecast +([a-z][^`#|;&>\n\"]*)", re.MULTILINE)


def options(command):
    return {flag for each in command.params for flag in (*each.opts, *each.secondary_opts) if flag.startswith("-")}


def every(group):
    for command in group.commands.values():
        yield from every(command) if isinstance(command, click.Group) else [command]


def called(words):
    """The command that words call, and the words left."""
    command = cli
    while isinstance(command, click.Group):
        command = command.commands.get(words[0]) if words else None
        words = words[1:]
    return command, words


KNOWN = set().union(*(options(command) for command in every(cli))) | ELSEWHERE


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_option_that_is_named_exists(path):
    text = path.read_text(encoding="utf-8")
    assert not {option for option in OPTION.findall(text) if option not in KNOWN}
    for line in COMMAND.findall(text.replace("\\\n", " ")):
        words = shlex.split(line.replace("'", "").replace("(", "").replace(")", ""))
        if not words[0].islower() or words[0] not in cli.commands:
            continue
        command, rest = called(words)
        if command is not None:
            assert {word for word in rest if word.startswith("--")} <= options(command) | {"--help", "--help-all"}, line


def test_the_check_sees_options_and_commands():
    assert OPTION.findall("`--window` 60, --no-such-thing; a--b") == ["--window", "--no-such-thing"]
    assert COMMAND.findall("    kerasforecast fit a.csv --horizon 3   # why") == ["fit a.csv --horizon 3   "]
    assert len(TEXTS) > 40


@pytest.mark.parametrize("path", TEXTS[-2:], ids=lambda path: path.name)
def test_every_link_of_a_readme_leads_to_a_file_and_a_heading(path):
    links = re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", path.read_text(encoding="utf-8"))
    assert len(links) > 20
    for file, anchor in links:
        goal = (path.parent / file) if file else path
        assert goal.is_file(), file
        heads = re.findall(r"^#+ (.+)$", goal.read_text(encoding="utf-8"), re.MULTILINE)
        assert not anchor or anchor in {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
