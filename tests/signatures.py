"""Writes the options of `kerasforecast.config` into the signatures and docstrings of the public face.

    python -m tests.signatures

An editor reads source text, so that is where the options must stand; `test_signatures.py` proves them current.
"""

import ast
import datetime as dt
import re
import textwrap
import types
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, Union, get_args, get_origin

from kerasforecast.models.families import registry
from kerasforecast.sections.data import DataConfig
from kerasforecast.sections.evaluation import EvaluationConfig
from kerasforecast.sections.network import NetworkConfig
from kerasforecast.sections.split import BacktestConfig, SplitConfig
from kerasforecast.sections.training import TrainingConfig

ROOT = Path(__file__).parents[1]
WIDTH = 120
BEGIN, END = "# Written by `python -m tests.signatures`, from here", "# to here."

FIT = (
    ("Data", DataConfig),
    ("Split", SplitConfig),
    ("Network", NetworkConfig),
    ("Training", TrainingConfig),
    ("Scores and intervals", EvaluationConfig),
)


@dataclass(frozen=True)
class Target:
    """Where options stand.

    Attributes:
        path: Module.
        owner: Function, or class with a constructor, whose docstring has an entry for each of them.
        sections: Titles and the models of their fields. A field that stands in several is taken from the first.
        without: Names of fields left out.
        plain: Whether defaults stand as they are, as scikit-learn wants them, and are assigned to `self`.
    """

    path: str
    owner: str
    sections: tuple
    without: frozenset = frozenset({"file"})
    plain: bool = False
    fields: dict = field(init=False)

    def __post_init__(self):
        found = {}
        for title, model in self.sections:
            for name, info in section_fields(model).items():
                if name not in self.without:
                    found.setdefault(name, (title, info))
        object.__setattr__(self, "fields", found)


def section_fields(model):
    """The fields of a section; those of a network are followed by what any family has beside them."""
    if model is not NetworkConfig:
        return model.model_fields
    found = {name: info for name, info in model.model_fields.items() if name != "options"}
    for name, having in registry.options().items():
        info = next(iter(having.values()))
        few = "" if len(having) == len(registry.names()) else f" Only for {', '.join(having)}."
        found[name] = info.merge_field_infos(info, description=f"{info.description}{few}")
    return found


TARGETS = (
    Target("kerasforecast/api/fit.py", "fit", FIT),
    Target("kerasforecast/api/backtest.py", "backtest", (*FIT, ("Walk", BacktestConfig)), frozenset({"file", "final"})),
    Target("kerasforecast/api/fit_each.py", "fit_each", FIT),
    Target("kerasforecast/api/tune.py", "tune", FIT, frozenset({"file", "budget", "time"})),
    Target("kerasforecast/api/compare.py", "compare", FIT, frozenset({"file", "model", "final"})),
    Target(
        "kerasforecast/estimator.py",
        "KerasForecaster",
        (("Network", NetworkConfig), ("Training", TrainingConfig)),
        frozenset({"window", "horizon", "seed", "final", "budget", "time"}),
        plain=True,
    ),
)


def written(target, text):
    """The source `text` of a module with the options of `target` as they are now."""
    pieces = text.split(BEGIN)
    blocks = [_parameters(target)] + ([_assignments(target)] if target.plain else [])
    assert len(pieces) == len(blocks) + 1, f"{target.path}: {len(blocks)} places to write to are expected"
    found = pieces[0]
    for block, piece in zip(blocks, pieces[1:], strict=True):
        indent = " " * (len(found) - len(found.rstrip(" ")))
        lines = "".join(f"{indent}{line}\n" if line else "\n" for line in block)
        found += f"{BEGIN}\n{lines}{indent}{END}{piece.partition(END)[2]}"
    return _documented(target, found)


def _parameters(target):
    lines, last = [], None
    for name, (title, info) in target.fields.items():
        if title != last and not target.plain:
            lines.append(f"# {title}")
        last = title
        value = repr(info.get_default(call_default_factory=True)).replace("'", '"')
        line = f"{name}: {spelled(info.annotation)} = {value if target.plain else f'default({value})'},"
        lines += _fitting(line, WIDTH - (8 if target.plain else 4))
    return lines


def _fitting(line, width):
    """As ruff formats a line with words in brackets that is too long."""
    if len(line) <= width:
        return [line]
    head, _, rest = line.partition("[")
    words, _, tail = rest.rpartition("]")
    return [f"{head}[", f"    {words}", f"]{tail}"]


def _assignments(target):
    return [f"self.{name} = {name}" for name in target.fields]


def spelled(annotation):
    """How an annotation is written: lists take any sequence, dates their text too."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return spelled(parts[0])
    if origin is Literal:
        return f"Literal[{', '.join(map(_word, parts))}]"
    if origin in (Union, types.UnionType):
        return " | ".join(spelled(part) for part in parts)
    if origin is tuple:
        return f"Sequence[{spelled(parts[0])}]"
    if annotation is dt.date:
        return "str | dt.date"
    return "None" if annotation is type(None) else annotation.__name__


def _word(value):
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _documented(target, text):
    """`text` with the entries of the docstring's Args in the order of the signature, those of the options written."""
    owner = next(node for node in ast.parse(text).body if getattr(node, "name", None) == target.owner)
    literal = owner.body[0].value
    lines = text.split("\n")
    first, last = literal.lineno - 1, literal.end_lineno
    docstring = lines[first:last]
    begin = docstring.index("    Args:") + 1
    end = docstring.index("", begin)
    entries = {}
    for line in docstring[begin:end]:
        if not line.startswith(" " * 9):
            name = line.strip().partition(":")[0]
            entries[name] = []
        entries[name].append(line)
    for name, (_, info) in target.fields.items():
        entries[name] = textwrap.wrap(
            f"{name}: {_in_python(info.description)}", WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 12,
            break_on_hyphens=False, break_long_words=False,
        )  # fmt: skip
    function = owner
    if isinstance(owner, ast.ClassDef):
        function = next(node for node in owner.body if getattr(node, "name", None) == "__init__")
    order = [each.arg for each in (*function.args.args, *function.args.kwonlyargs) if each.arg != "self"]
    order += [f"**{function.args.kwarg.arg}"] if function.args.kwarg else []
    docstring[begin:end] = [line for name in order for line in entries[name]]
    return "\n".join([*lines[:first], *docstring, *lines[last:]])


def _in_python(description):
    """A description, which the command's help shows too, with options named as arguments."""
    return re.sub(r"--([a-z][a-z-]*)", lambda flag: f"`{flag[1].replace('-', '_')}`", description)


def main():
    """Write every place in place."""
    for target in TARGETS:
        path = ROOT / target.path
        path.write_text(written(target, path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
