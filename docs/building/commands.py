"""Every command with every option, as the command line itself knows them."""

from __future__ import annotations

from collections.abc import Iterator

import click


def every(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """Each command with the words that call it, those of groups too."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from every(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def commands() -> str:
    """A section for each command."""
    from kerasforecast_cli.main import cli

    return "\n".join(_section(words, command) for words, command in every(cli, "kerasforecast"))


def _section(words: str, command: click.Command) -> str:
    context = click.Context(command, info_name=words)
    said = [" ".join(part.split()) for part in (command.help or "").split("\n\n")]
    arguments = " ".join(each.make_metavar(context) for each in command.params if isinstance(each, click.Argument))
    lines = [f"## {words}", "", f"    {words} [OPTIONS] {arguments}", "", *(f"{part}\n" for part in said)]
    for option in command.params:
        record = None if isinstance(option, click.Argument) else option.get_help_record(context)
        if record:
            lines.append(f"- `{record[0]}`\\\n  {record[1].replace('<', '&lt;')}")
    return "\n".join([*lines, ""])
