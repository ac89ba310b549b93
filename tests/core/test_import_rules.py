"""Who may import whom, and what nobody may do: read from the syntax trees, so nothing is imported here."""

import ast
import configparser
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Imports point up this table: a package may import from the rows above its own, and from within itself.
ORDER = """
errors
runtime
families
sections
config
data
preprocessing
metrics
layers
models
training
forecasting
baselines
artifact
evaluation
selection
report
explain
model
pipeline estimator
tuning
api
serving
kerasforecast
cli
__main__
"""
ROWS = {name: row for row, line in enumerate(ORDER.split("\n")) for name in line.split()}

# The fewest modules that the code needs: with any of them loaded, Keras is.
MAY_IMPORT_KERAS = {
    *("layers.dispatch", "layers.lstm", "layers.gru", "layers.simple_rnn", "layers.peephole", "layers.coupled"),
    *("layers.direct", "layers.dropout", "layers.fitting", "layers.threads", "layers.slopes", "explain.attention"),
    *("models.heads", "models.initializers", "models.network", "models.families.recurrent", "models.families.linear"),
    *("models.families.residual", "models.families.patch", "models.families.tide", "models.families.untrained"),
    *("models.smoothing", "models.denoising", "models.drawn"),
    *("training.callbacks", "training.losses", "training.optimizers", "training.replay", "training.state"),
    *("training.train", "training.devices", "training.feeding", "forecasting.predictor", "forecasting.fitting"),
    *("artifact.writer", "artifact.recorder", "artifact.exchange.keras_model"),
}

# (module, function): where a backend is used by its own name. None stands for anywhere in the module.
MAY_IMPORT_A_BACKEND = {
    "jax": {
        ("layers.kernels.jax", None),
        ("runtime.backend", "device_name"),
        ("artifact.exchange.formats", "write"),
    },
    "tensorflow": {
        ("layers.kernels.tensorflow", None),
        ("runtime.backend", "device_name"),
        ("runtime.determinism", "make_deterministic"),
        ("artifact.exchange.formats", "write"),
        ("artifact.exchange.litert", None),
    },
    "torch": {
        ("layers.kernels.torch", None),
        ("runtime.backend", "device_name"),
        ("runtime.determinism", "make_deterministic"),
        ("artifact.exchange.torch_state", "torch_package"),
    },
}

# Imported without being required by name, because a required package cannot do without it.
COMES_WITH = {"scipy": "scikit-learn", "h5py": "keras", "curl_cffi": "yfinance", "platformdirs": "yfinance"}
DISTRIBUTIONS = {"sklearn": "scikit-learn", "exchange_calendars": "exchange-calendars", "pyarrow": "pyarrow"}
DISTRIBUTIONS |= {"prometheus_client": "prometheus-client", "mlflow": "mlflow-skinny"}

FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "runpy", "code"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "breakpoint"}


def _modules():
    """`{"kerasforecast.data.load": tree, "cli.fit": tree, ...}`."""
    found = {}
    for folder in ("kerasforecast", "cli"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = ast.parse(path.read_text(), filename=str(path))
    return found


MODULES = _modules()
LIBRARY = {name: tree for name, tree in MODULES.items() if name.partition(".")[0] == "kerasforecast"}
COMMANDS = {name: tree for name, tree in MODULES.items() if name.partition(".")[0] == "cli"}


def imports(tree):
    """`(level, module, names, line, function)` of each import statement, those inside functions too."""

    def visit(node, function):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield 0, alias.name, (), child.lineno, function
            elif isinstance(child, ast.ImportFrom):
                yield child.level, child.module or "", tuple(a.name for a in child.names), child.lineno, function
            inside = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else function
            yield from visit(child, inside)

    return visit(tree, None)


def imported(name):
    """The project's own modules that module `name` imports, as keys of MODULES, with line and function."""
    for level, module, names, line, function in imports(MODULES[name]):
        if level:
            package = name if name in {"cli"} else name.rpartition(".")[0]
            module = f"{package}.{module}" if module else package
        if module.partition(".")[0] in ("kerasforecast", "cli"):
            inner = [f"{module}.{part}" for part in names if f"{module}.{part}" in MODULES]
            for target in inner or [module]:
                yield target, line, function


def place(name, function=None):
    """The entry of ORDER that a module belongs to: `kerasforecast.data.load` to `data`.

    A family declares its options and arithmetic for all to import; the functions that build it are a network's.
    """
    parts = name.split(".")
    if parts[1:3] == ["models", "families"] and function is None:
        return "families"
    return parts[0] if len(parts) == 1 or parts[0] == "cli" else parts[1]


def where(name, line):
    return f"{name.replace('.', '/')}, line {line}"


def test_every_module_has_a_place_in_the_order():
    assert {place(name) for name in MODULES} == set(ROWS)


def test_imports_point_one_way():
    wrong = []
    for name in MODULES:
        for target, line, function in imported(name):
            here, there = place(name, function), place(target)
            within = here == there
            if not within and ROWS[there] >= ROWS[here]:
                wrong.append(f"{where(name, line)}: {here} must not import {there}")
    assert not wrong, "\n".join(wrong)


def test_modules_of_a_package_import_one_another_without_a_circle():
    graph = {name: {target for target, *_ in imported(name) if target != name} for name in MODULES}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_every_own_module_imported_exists():
    missing = [
        f"{where(name, line)}: {target}"
        for name in MODULES
        for target, line, _ in imported(name)
        if target not in MODULES
    ]
    assert not missing, "\n".join(missing)


def test_keras_is_imported_only_where_it_is_used():
    importing = {
        name.removeprefix("kerasforecast.")
        for name, tree in MODULES.items()
        for _, module, *_ in imports(tree)
        if _root(module) == "keras"
    }
    assert importing <= MAY_IMPORT_KERAS, importing - MAY_IMPORT_KERAS
    assert importing == MAY_IMPORT_KERAS, f"no longer needed: {MAY_IMPORT_KERAS - importing}"


def test_kernels_import_no_keras():
    for name, tree in MODULES.items():
        if name.startswith("kerasforecast.layers.kernels"):
            assert not [line for _, module, _, line, _ in imports(tree) if _root(module) == "keras"], name


@pytest.mark.parametrize("backend", MAY_IMPORT_A_BACKEND)
def test_a_backend_is_imported_only_by_its_kernels_and_where_asked_for_by_name(backend):
    allowed, wrong = MAY_IMPORT_A_BACKEND[backend], []
    for name, tree in MODULES.items():
        for level, module, _, line, function in imports(tree):
            short = name.removeprefix("kerasforecast.")
            if short.startswith("layers.kernels."):
                short = ".".join(short.split(".")[:3])  # a backend's folder
            if level == 0 and _root(module) == backend and not {(short, None), (short, function)} & allowed:
                wrong.append(where(name, line))
    assert not wrong, "\n".join(wrong)


def test_the_package_needs_only_what_setup_cfg_names():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    required = _names(setup["options"]["install_requires"])
    optional = {name for extra in setup["options.extras_require"].values() for name in _names(extra)}
    wrong = []
    for name, tree in MODULES.items():
        for level, module, _, line, function in imports(tree):
            root = _root(module)
            if level or root in sys.stdlib_module_names or root in ("kerasforecast", "kerasforecast_cli"):
                continue
            distribution = COMES_WITH.get(root) or DISTRIBUTIONS.get(root, root)
            kernels = name.startswith(("kerasforecast.layers.kernels.", "kerasforecast.serving.http."))
            if distribution in required or (distribution in optional and (function or kernels)):
                continue
            wrong.append(f"{where(name, line)}: {root}")
    assert not wrong, "\n".join(wrong)


def test_every_package_folder_is_in_the_wheel():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    listed = set(setup["options"]["packages"].split())
    folders = {
        ".".join(path.parent.relative_to(ROOT).parts).replace("cli", "kerasforecast_cli")
        for folder in ("kerasforecast", "cli")
        for path in (ROOT / folder).rglob("__init__.py")
    }
    assert folders == listed


def test_the_library_has_no_relative_imports():
    wrong = [where(name, line) for name, tree in LIBRARY.items() for level, *_, line, _ in imports(tree) if level]
    assert not wrong, "\n".join(wrong)


def test_commands_import_their_siblings_relatively_and_nothing_else():
    """Installed it is `kerasforecast_cli`, in the checkout `cli`: only relative imports mean the same in both."""
    wrong = []
    for name, tree in COMMANDS.items():
        for level, module, _, line, _ in imports(tree):
            absolute = level == 0 and _root(module) in ("cli", "kerasforecast_cli")
            elsewhere = level > 1 or (level == 1 and f"cli.{module}" not in MODULES)
            if absolute or elsewhere:
                wrong.append(where(name, line))
    assert not wrong, "\n".join(wrong)


def test_the_library_does_not_know_its_commands():
    assert not [name for name in LIBRARY for target, *_ in imported(name) if place(target) == "cli"]
    assert not [name for name, tree in LIBRARY.items() for _, m, *_ in imports(tree) if _root(m) == "click"]


def test_one_module_shows_progress_and_imports_rich_when_it_does():
    using = {(name, function is None) for name, tree in MODULES.items() for *_, m, function in _rich(tree)}
    assert using == {("kerasforecast.api.progress", False)}


def _rich(tree):
    """Imports of rich outside `if TYPE_CHECKING:`."""
    typing = {
        line
        for node in tree.body
        if isinstance(node, ast.If) and getattr(node.test, "id", None) == "TYPE_CHECKING"
        for line in range(node.lineno, node.end_lineno + 1)
    }
    for _, module, _, line, function in imports(tree):
        if _root(module) == "rich" and line not in typing:
            yield module, function


def test_one_module_has_keras_read_a_file():
    calling = {
        name
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "load_model"
    }
    assert calling == {"kerasforecast.artifact.exchange.keras_model"}


@pytest.mark.parametrize("name", MODULES)
def test_no_code_comes_from_data(name):
    """No pickle, eval or exec; and no `assert`, which `python -O` drops, for checking input."""
    wrong = [
        f"line {line}: {module}"
        for _, module, _, line, _ in imports(MODULES[name])
        if _root(module) in FORBIDDEN_MODULES
    ]
    for node in ast.walk(MODULES[name]):
        if isinstance(node, ast.Assert):
            wrong.append(f"line {node.lineno}: assert")
        elif isinstance(node, ast.Call):
            wrong += [f"line {node.lineno}: {fault}" for fault in _faults(node)]
    assert not wrong, "\n".join(wrong)


def _faults(call):
    function = call.func
    options = {keyword.arg: keyword.value for keyword in call.keywords}
    if isinstance(function, ast.Name) and function.id in FORBIDDEN_CALLS:
        yield function.id
    if isinstance(function, ast.Attribute):
        if function.attr in ("read_pickle", "to_pickle", "from_config"):
            yield function.attr  # a class named in a file would be made
        if function.attr == "load_model" and not _constant(options, "safe_mode", True):
            yield "load_model without safe_mode=True"
        torch = isinstance(function.value, ast.Name) and function.value.id == "torch"
        if function.attr == "load" and torch and not _constant(options, "weights_only", True):
            yield "torch.load without weights_only=True"
    if "allow_pickle" in options and getattr(options["allow_pickle"], "value", None) is not False:
        yield "allow_pickle"
    if getattr(options.get("shell"), "value", None) is True:
        yield "shell=True"


def _constant(options, name, value):
    return isinstance(options.get(name), ast.Constant) and options[name].value is value


@pytest.mark.parametrize(
    "code",
    [
        "eval('1')",
        "exec(x)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "keras.models.load_model(path)",
        "keras.models.load_model(path, safe_mode=False)",
        "np.load(path, allow_pickle=True)",
        "run(x, shell=True)",
    ],
)
def test_these_rules_see_what_they_forbid(code):
    assert list(_faults(ast.parse(code).body[0].value))


@pytest.mark.parametrize("code", ["model.compile(x)", "torch.load(path, weights_only=True)", "frame.eval_count()"])
def test_these_rules_let_pass_what_they_should(code):
    assert not list(_faults(ast.parse(code).body[0].value))


def test_every_module_says_what_it_is_for():
    silent = [name for name, tree in MODULES.items() if not ast.get_docstring(tree)]
    assert not silent


def _root(module):
    return module.partition(".")[0]


def _names(requirements):
    """Distribution names of lines such as `keras>=3.15.1`."""
    lines = [line.strip() for line in requirements.splitlines() if line.strip()]
    return {"".join(char if char.isalnum() or char in "-_." else " " for char in line).split()[0] for line in lines}


def test_modules_and_functions_stay_short_enough_to_read():
    """300 lines a module, 60 a function; those whose signature has every option of a fit are as long as it is."""
    written = {
        "kerasforecast.estimator",
        *(f"kerasforecast.api.{name}" for name in ("fit", "fit_each", "tune", "backtest", "compare")),
    }
    long = []
    for name, tree in MODULES.items():
        if (lines := max((node.end_lineno for node in tree.body), default=0)) > 300 and name not in written:
            long.append(f"{name}: {lines} lines")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 60 and name not in written:
                long.append(f"{where(name, node.lineno)}: {node.name}, {node.end_lineno - node.lineno + 1} lines")
    assert not long, "\n".join(long)


def test_the_root_holds_what_people_import():
    modules = {path.stem for path in (ROOT / "kerasforecast").glob("*.py")}
    assert modules == {"__init__", "__main__", "config", "errors", "estimator", "model", "pipeline"}
