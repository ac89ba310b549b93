"""What Keras, JAX, TensorFlow and PyTorch do not promise to keep, and the few functions that lean on it.

A name that starts with one underscore is taken to be another library's where its module does not define it, nor, for
`self`, a module from which the class may inherit it; so is one asked of `super()`, and a method of a class of Keras'
that nothing in its module calls, for then it is a hook that Keras calls.
"""

import ast
from pathlib import Path

import pytest

from tests.core.test_import_rules import LIBRARY, ROOT, imported

# (module, function, name): the test which shows that without it the same comes out. Each of them says what broke.
ALLOWED = {
    ("layers.direct", "_nodes", "_nodes_by_depth"): (
        "tests/backend/test_direct.py",
        "test_a_keras_without_its_list_of_nodes_trains_and_answers_the_same",
    ),
    ("layers.kernels.torch.training", "adam", "_fused_adam_"): (
        "tests/backend/test_direct.py",
        "test_a_pytorch_without_its_fused_kernel_steps_the_same",
    ),
    ("training.optimizers", "Adam._backend_update_step", "_backend_update_step"): (
        "tests/backend/test_optimizers.py",
        "test_a_keras_without_its_hook_for_all_weights_steps_the_same",
    ),
}

# Of other libraries than those four.
ELSEWHERE = {
    ("runtime.signals", "_exit"),  # documented by Python
    ("report.forecast_table", "_repr_html_"),  # documented by IPython
    ("data.calendars", "_with_freq"),
    ("data.yahoo.client", "_data"),
    ("data.yahoo.client", "_http"),
    ("tuning.search", "_trial_id"),  # tests/extras/test_search.py: a trial that a dead process left is taken up
}

READERS = {"getattr", "hasattr", "setattr", "delattr"}


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


def defined(*trees):
    """Every name that the code of `trees` itself gives to something."""
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield node.name
            elif isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.attr if isinstance(node, ast.Attribute) else node.id


def foreign_classes(*trees):
    """The names of our classes that stand on one of a backend or of Keras, through other classes of ours too."""
    bases = {
        node.name: {ast.unparse(base) for base in node.bases}
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    found, before = set(), None
    while found != before:
        before = set(found)
        found |= {
            name
            for name, its in bases.items()
            if any(base.partition(".")[0] in ("keras", "torch", "tf", "jax") or base in found for base in its)
        }
    return found


def uses(tree, inherited, foreign):
    """`(function, name)` of each private name of another library that `tree` uses.

    `inherited`: what the modules that it imports define. `foreign`: our classes that stand on another library's.
    """
    own = set(defined(tree))
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and not _of_super(node)}

    def visit(node, scope, holder):
        for child in ast.iter_child_nodes(node):
            inner, inside = scope, holder
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                inner = [*scope, child.name]
                inside = child.name if isinstance(child, ast.ClassDef) else None
            where = ".".join(inner)
            if isinstance(child, ast.FunctionDef) and holder in foreign and is_private(child.name):
                if child.name not in called:
                    yield where, child.name
            elif isinstance(child, ast.Attribute) and is_private(child.attr):
                ours = own | inherited if ast.unparse(child.value) in ("self", "cls") else own
                if child.attr not in ours or _of_super(child):
                    yield where, child.attr
            elif isinstance(child, ast.Call) and isinstance(child.func, ast.Name) and child.func.id in READERS:
                name = getattr(child.args[1], "value", None)
                if isinstance(name, str) and is_private(name) and name not in own:
                    yield where, name
            elif isinstance(child, ast.ImportFrom | ast.Import):
                for name in _imported(child):
                    if is_private(name) or name == "src":
                        yield where, name
            yield from visit(child, inner, inside)

    return set(visit(tree, [], None))


def _of_super(node):
    return isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "super"


def _imported(node):
    """The parts of the names that an import statement asks of other libraries."""
    module = getattr(node, "module", None) or ""
    if module == "__future__" or module.partition(".")[0] == "kerasforecast":
        return []
    return [part for name in (module, *(alias.name for alias in node.names)) for part in name.split(".")]


def found():
    foreign = foreign_classes(*LIBRARY.values())
    return {
        (name.removeprefix("kerasforecast."), function, used)
        for name, tree in LIBRARY.items()
        for function, used in uses(tree, set(defined(*(LIBRARY[module] for module, *_ in imported(name)))), foreign)
    }


def test_private_names_are_used_only_where_listed():
    elsewhere = {use for use in found() if (use[0], use[2]) in ELSEWHERE}
    assert found() - elsewhere == set(ALLOWED)
    assert {(module, name) for module, _, name in elsewhere} == ELSEWHERE


@pytest.mark.parametrize(("file", "test"), ALLOWED.values(), ids=[name for *_, name in ALLOWED])
def test_each_has_a_test_of_what_is_done_without_it(file, test):
    functions = {node.name: node for node in ast.parse((Path(ROOT) / file).read_text()).body if hasattr(node, "name")}
    assert "What broke: " in ast.get_docstring(functions[test])


@pytest.mark.parametrize(
    "code",
    [
        "def f(model):\n    return model._nodes",
        "def f(model):\n    return getattr(model, '_nodes', None)",
        "import torch\ndef f():\n    torch._nodes()",
        "def f():\n    from keras.src.backend import _nodes",
        "class A(keras.Model):\n    def f(self):\n        return self._nodes",
        "class A(keras.Model):\n    def _nodes(self):\n        return 1",
        "class A:\n    def __init__(self):\n        self._own = 1\n    def f(self):\n        return self._nodes",
        "class B(keras.Layer):\n    pass\nclass A(B):\n    def _nodes(self):\n        return super()._nodes()",
    ],
)
def test_these_rules_see_what_they_forbid(code):
    tree = ast.parse(code)
    assert "_nodes" in {name for _, name in uses(tree, set(), foreign_classes(tree))}


@pytest.mark.parametrize(
    "code",
    [
        "class A:\n    def f(self):\n        self._x = 1\n        return self._x",
        "class A(keras.Model):\n    def f(self):\n        return self._g()\n    def _g(self):\n        return 1",
        "class A:\n    def f(self):\n        return self.__dict__, type(self).__name__",
        "from kerasforecast.data.load import _rows",
    ],
)
def test_these_rules_let_pass_what_is_our_own(code):
    tree = ast.parse(code)
    assert not uses(tree, set(), foreign_classes(tree))
