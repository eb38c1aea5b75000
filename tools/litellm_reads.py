"""Which keys LiteLLM's code reads from its maps, found in its source: many settings are declared nowhere."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

_READERS = {"get", "pop", "setdefault"}
_SETTING_MODULES = {"litellm.constants", "litellm._logging"}


def sources(*roots: Path, holding: str = "") -> list[ast.Module]:
    """Return the syntax trees of the Python files at or below some paths whose text holds `holding`."""
    files = (file for root in roots for file in ([root] if root.is_file() else sorted(root.rglob("*.py"))))
    texts = (file.read_text(encoding="utf-8") for file in files)
    return [ast.parse(text) for text in texts if holding in text]


def reads(trees: Iterable[ast.AST]) -> Mapping[str, set[str]]:
    """Return the keys that code reads by literal name, by the name of the map that it reads them from.

    A map has the name in which its expression ends: ``general_settings`` in ``general_settings``,
    ``self.general_settings``, ``config["general_settings"]`` and ``config.get("general_settings", {})``.
    """
    found: defaultdict[str, set[str]] = defaultdict(set)
    for tree in trees:
        for node in ast.walk(tree):
            for expression, key in _reads(node):
                if (name := _last_name(expression)) is not None:
                    found[name].add(key)
    return found


def _reads(node: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    match node:
        case ast.Call(func=ast.Attribute(value=read, attr=method), args=[ast.Constant(value=str(key)), *_]):
            if method in _READERS:
                yield read, key
        case ast.Call(func=ast.Name(id="getattr" | "setattr"), args=[read, ast.Constant(value=str(key)), *_]):
            yield read, key
        case ast.Subscript(value=read, slice=ast.Constant(value=str(key))):
            yield read, key
        case ast.Compare(left=ast.Constant(value=str(key)), ops=[ast.In() | ast.NotIn()], comparators=[read]):
            yield read, key


def _last_name(node: ast.expr) -> str | None:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            found: str | None = name
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            found = name
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str(name)), *_]):
            found = name
        case ast.BoolOp(op=ast.Or(), values=[first, *_]):
            found = _last_name(first)
        case _:
            found = None
    return found


def compared_keys(trees: Iterable[ast.Module], function: str) -> set[str]:
    """Return the literals with which the functions of this name compare their variable ``key``."""
    return {
        literal
        for body in functions(trees, function)
        for node in ast.walk(body)
        for literal in _compared(node)
    }


def _compared(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Compare(left=ast.Name(id="key"), comparators=[ast.Constant(value=str(literal)), *_]):
            yield literal


def parameters(trees: Iterable[ast.Module], function: str) -> set[str]:
    """Return the names of the parameters of all functions of this name, without ``self``."""
    found = (body.args for body in functions(trees, function))
    return {one.arg for args in found for one in (*args.args, *args.kwonlyargs)} - {"self", "cls"}


def assigned_names(tree: ast.Module) -> set[str]:
    """Return the public settings of a module: what it assigns at its top level, or takes from constants."""
    names: set[str] = set()
    for node in tree.body:
        match node:
            case ast.Assign(targets=targets):
                names.update(target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.ImportFrom(module=module, names=imported) if module in _SETTING_MODULES:
                names.update(alias.asname or alias.name for alias in imported)
    return {name for name in names if not name.startswith("_")}


def class_fields(trees: Iterable[ast.Module], holding: str) -> set[str]:
    """Return the public fields, declared with a type, of the classes whose name holds `holding`."""
    return {
        statement.target.id
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and holding in node.name
        for statement in node.body
        if isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
        and not statement.target.id.startswith("_")
    }


def functions(trees: Iterable[ast.Module], name: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Give all functions and methods of this name."""
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
                yield node
