"""What DESIGN and STYLE say of the tree as a whole: who imports whom, what files are called, where state may live."""

import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
MAY_IMPORT = {"wire": {"wire"}, "actors": {"actors", "wire"}, "client": {"client", "wire"}}
EMBEDDED = Path("client/embedded.py")
"""The one module of the client that runs the daemon's actors, inside the caller's process."""
STARTS_PROGRAMS = Path("actors/commands.py")
"""The one module of the daemon that starts programs: with a deadline, few variables and few descriptors."""
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}
NEITHER_SOCKETS_NOR_THREADS = {"asyncio", "select", "selectors", "socket", "ssl", "subprocess", "threading"}
CHANGING = {
    "add",
    "append",
    "appendleft",
    "clear",
    "discard",
    "extend",
    "insert",
    "pop",
    "popitem",
    "popleft",
    "remove",
} | {"setdefault", "update"}
"""Methods that change a list, dict, set or deque in place."""


def modules(folder: str) -> list[Path]:
    """All modules below a folder of the repository, relative to it."""
    return sorted(path.relative_to(REPOSITORY) for path in (REPOSITORY / folder).rglob("*.py"))


def parse(path: Path) -> ast.Module:
    return ast.parse((REPOSITORY / path).read_text(), str(path))


def imported(path: Path) -> Iterator[str]:
    """What a module imports, anywhere in it: our folders as `wire`, others by their dotted name."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.removeprefix("virtactor.") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield from relative(path, node)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").removeprefix("virtactor.")


def relative(path: Path, node: ast.ImportFrom) -> Iterator[str]:
    """`from ..wire import errors` in actors/daemon.py as `wire`; `from .. import wire` likewise."""
    package = path.parent.parts
    base = package[: len(package) - (node.level - 1)]
    targets = [node.module] if node.module else [alias.name for alias in node.names]
    yield from (".".join([*base, target]) for target in targets)


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_folders_import_only_what_is_below_them(folder: str) -> None:
    wrong = [
        f"{path} imports {name}"
        for path in modules(folder)
        for name in imported(path)
        if name.partition(".")[0] in MAY_IMPORT.keys() - MAY_IMPORT[folder] and path != EMBEDDED
    ]
    assert wrong == []


def test_wire_knows_neither_sockets_nor_threads() -> None:
    wrong = [
        f"{path} imports {name}"
        for path in modules("wire")
        for name in imported(path)
        if name.partition(".")[0] in NEITHER_SOCKETS_NOR_THREADS
    ]
    assert wrong == []


def test_modules_are_named_for_what_is_in_them() -> None:
    everywhere = [
        path for folder in (*MAY_IMPORT, "tests", "examples", "benchmarks", "campaign") for path in modules(folder)
    ]
    assert [path for path in everywhere if EMPTY_NAMES & {path.stem, *path.parent.parts}] == []


def test_actors_start_programs_from_one_place() -> None:
    starting = {"Popen", "run", "call", "check_call", "check_output", "system", "popen", "fork"} | {
        name for name in dir(os) if name.startswith(("exec", "spawn", "posix_spawn"))
    }
    wrong = [
        f"{path}:{node.lineno}"
        for path in modules("actors")
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Attribute)
        and (
            (isinstance(node.value, ast.Name) and node.value.id in ("os", "subprocess") and node.attr in starting)
            or node.attr.startswith(("create_subprocess", "subprocess_"))
        )
        and path != STARTS_PROGRAMS
    ]
    assert wrong == []


def test_actors_have_no_module_level_state() -> None:
    """Two daemons in one process are two values: what a module binds stays as it was at import."""
    assert [f"{path}:{line} {what}" for path in modules("actors") for line, what in state_in(parse(path))] == []


def state_in(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Where functions of a module rebind its names or change their values in place."""
    bound = {
        target.id
        for statement in module.body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        for target in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])
        if isinstance(target, ast.Name)
    }
    for function in ast.walk(module):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            shadowed = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
            for node in ast.walk(function):
                if (name := changed_name(node)) in bound - shadowed:
                    yield node.lineno, f"changes {name}"  # pyright: ignore[reportAttributeAccessIssue]


def changed_name(node: ast.AST) -> str | None:
    """The name whose value `node` changes: `global x`, `x[...] = `, `del x[...]`, `x.append()`."""
    match node:
        case ast.Global(names=[name, *_]):
            return name
        case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
            return name
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)) if method in CHANGING:
            return name
    return None


@pytest.mark.parametrize(
    "source",
    [
        "seen = []\ndef note(x):\n    seen.append(x)",
        "seen = {}\ndef note(x):\n    seen[x] = 1",
        "seen: dict[str, int] = {}\ndef forget(x):\n    del seen[x]",
        "last = None\ndef note(x):\n    global last\n    last = x",
    ],
)
def test_module_level_state_is_found(source: str) -> None:
    assert [what.partition(" ")[0] for _, what in state_in(ast.parse(source))] == ["changes"]


def test_a_table_and_a_parameter_of_its_name_are_no_state() -> None:
    source = "table = {1: 2}\ndef look(x):\n    return table[x]\ndef fill(table):\n    table[1] = 2"
    assert list(state_in(ast.parse(source))) == []
