"""The structure of the package: imports point down, no cycles, small modules, short bodies, no `print`."""

import ast
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src"
MAY_USE = {
    "core": set(),
    "engines": {"core"},
    "devices": {"core", "engines"},
    "systems": {"core", "engines", "devices"},
    "io": {"core"},
    "store": {"core"},
    "flow": {"core", "engines", "devices", "systems", "io", "store"},
    "facility": {"core", "engines", "devices", "flow", "store"},
    "service": {"core", "engines", "devices", "systems", "io", "store", "flow", "facility"},
    "cli": {"core", "engines", "devices", "systems", "io", "store", "flow", "facility", "service"},
}
CORE_MAY_IMPORT = {"gemel", "numpy", "jaxtyping"} | set(sys.stdlib_module_names)
LONGEST_MODULE, LONGEST_BODY = 300, 80

TREES = {
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(SOURCE.rglob("*.py"))
}


def layer(module: str) -> str:
    """The folder a module belongs to; the modules of the command line are one layer, the bare package is a name for its version."""
    part = [*module.split("."), "core"][1]
    return "cli" if part.startswith("cli") else "core" if part == "__version__" else part


def system(module: str) -> str:
    """Which system a module of `gemel.systems` belongs to, or nothing."""
    return ".".join(module.split(".")[2:3]) if layer(module) == "systems" else ""


def imported(tree: ast.Module, package: str) -> Iterator[str]:
    """Dotted names that a module imports when it is loaded; those that only the type checker sees are left out."""
    guarded = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    unseen = {id(inner) for node in guarded for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in unseen:
            continue
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{package} imports relatively (line {node.lineno}); write the whole name"
            yield from (f"{node.module}.{name.name}" for name in node.names)


def module_of(name: str) -> str:
    """The module that a dotted name is or lies in."""
    while name not in TREES:
        name = name.rpartition(".")[0]
    return name


def uses(module: str, tree: ast.Module) -> set[str]:
    """Modules of gemel that a module loads. `from package import module` loads the module; a package's own re-exports are no cycle."""
    found = {module_of(name) for name in imported(tree, module) if name.split(".")[0] == "gemel"}
    return found - {module}


def breaches(trees: dict[str, ast.Module]) -> list[str]:
    """Imports that point up or sideways."""
    found = []
    for module, tree in trees.items():
        for other in sorted(uses(module, tree) - {"gemel"}):
            here, there = layer(module), layer(other)
            if here != there and there not in MAY_USE[here]:
                found.append(f"{module} ({here}) imports {other} ({there}); {here} may use {', '.join(sorted(MAY_USE[here])) or 'nothing'}")
            if system(module) and system(other) and system(module) != system(other):
                found.append(f"{module} imports {other}; a system never imports another, couple them by a function that takes both models")
    return found


def cycle(trees: dict[str, ast.Module]) -> list[str]:
    """Modules that import each other in a ring; empty when there is none."""
    try:
        TopologicalSorter({module: uses(module, tree) for module, tree in trees.items()}).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def bodies(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Name and number of lines of every function's body."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.body[-1].end_lineno or 0) - node.body[0].lineno + 1


def test_every_folder_has_its_place() -> None:
    assert {layer(module) for module in TREES} <= set(MAY_USE)


def test_imports_point_down() -> None:
    assert not breaches(TREES), "\n".join(breaches(TREES))


def test_no_module_imports_itself_through_others() -> None:
    assert not cycle(TREES), f"a ring of imports: {' <- '.join(cycle(TREES))}"


@pytest.mark.parametrize("module", [m for m in TREES if layer(m) == "core" and m != "gemel"])
def test_core_needs_numpy_alone(module: str) -> None:
    roots = {name.split(".")[0] for name in imported(TREES[module], module)}
    assert roots <= CORE_MAY_IMPORT, f"{module} imports {sorted(roots - CORE_MAY_IMPORT)}; core is NumPy only"


def test_modules_are_short() -> None:
    lines = {str(p.relative_to(SOURCE)): len(p.read_text(encoding="utf-8").splitlines()) for p in SOURCE.rglob("*.py")}
    long = {name: n for name, n in lines.items() if n > LONGEST_MODULE}
    assert not long, f"over {LONGEST_MODULE} lines, split by concept: {long}"


def test_bodies_are_short() -> None:
    long = [f"{m}.{name}: {n} lines" for m, tree in TREES.items() for name, n in bodies(tree) if n > LONGEST_BODY]
    assert not long, f"over {LONGEST_BODY} lines: {long}"


def test_nothing_prints() -> None:
    calls = [
        f"{module}:{node.lineno}"
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not calls, f"print in {calls}; raise an error, return a value, or let cli.py write"


@pytest.mark.parametrize(
    ("module", "line", "named"),
    [
        ("gemel.core.image", "from gemel.engines import dvh", "gemel.engines.dvh"),
        ("gemel.store.record", "import gemel.io.nifti", "gemel.io.nifti"),
        ("gemel.io.nifti", "from gemel.engines.dose import influence", "gemel.engines.dose"),
        ("gemel.engines.dvh", "from gemel.systems.prostate_radiotherapy import SYSTEM", "gemel.systems"),
        ("gemel.devices.ct.stoichiometric", "def late():\n    from gemel.flow.show import show", "gemel.flow.show"),
        ("gemel.systems.heart.model", "from gemel.systems.prostate_radiotherapy import SYSTEM", "never imports another"),
    ],
)
def test_an_import_that_points_up_or_sideways_is_found(module: str, line: str, named: str) -> None:
    found = breaches({module: ast.parse(line)})
    assert len(found) == 1
    assert module in found[0]
    assert named in found[0]


def test_a_ring_of_imports_is_found() -> None:
    back = ast.parse("from gemel.core.image import Array")
    assert "gemel.core.image" in cycle({"gemel.core.image": TREES["gemel.core.image"], "gemel.core.errors": back})
