"""A definition, read from its source. Opens no file and follows no import itself."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

SIGNATURES = {
    "functions_framework.http": "http",
    "functions_framework.cloud_event": "cloudevent",
    "functions_framework.typed": "typed",
    "functions_framework.aio.http": "http",
    "functions_framework.aio.cloud_event": "cloudevent",
    **{
        f"{module}.{decorator}": kind
        for module in ("ffhost", "ffhost.loading.decorators")
        for decorator, kind in (
            ("http", "http"),
            ("cloud_event", "cloudevent"),
            ("event", "event"),
            ("typed", "typed"),
        )
    },
}
"""Decorators that declare a signature, by where they are defined."""


@dataclass(frozen=True, slots=True)
class TargetDefinition:
    """A function of a file, read from its source.

    Args:
        name: where it was defined, which a re-export may have renamed
        signature: what a decorator says, or None
        input_type: the type named in ``@typed(Type)``, as text
        decorators: dotted names, resolved through imports; ``?`` for one that has none
        required: positional parameters without a default
        positional: positional parameters; None if there is ``*args``
        keyword: a keyword-only parameter without a default, which a call cannot pass
        parameters: names of the positional parameters
        annotations: of the positional parameters, resolved through imports where they are
            names; None where there is none
        is_generator: whether it yields, sync or async
    """

    name: str
    file: Path
    line: int
    is_async: bool
    is_generator: bool
    signature: str | None
    input_type: str | None
    decorators: tuple[str, ...]
    required: int
    positional: int | None
    keyword: str | None
    parameters: tuple[str, ...]
    annotations: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class OtherTargetDefinition:
    """A name of a file that is not a function: what it is, and the line.

    ``kind`` is ``class``, ``literal`` (certainly not callable), ``module``, or ``unknown``:
    the result of a call, or imported from outside the folder.
    """

    kind: Literal["class", "literal", "module", "unknown"]
    line: int
    type_name: str = ""


Definition = ast.FunctionDef | ast.AsyncFunctionDef


def line_of_target_definition(node: ast.AST) -> int:
    """Return the line of *node*, 0 if it has none."""
    return int(getattr(node, "lineno", 0))


def read_other_target_definition(node: ast.AST) -> OtherTargetDefinition:
    """Return what the name that is bound to *node* is."""
    if isinstance(node, ast.ClassDef):
        return OtherTargetDefinition("class", node.lineno, node.name)
    if isinstance(node, ast.Constant):
        return OtherTargetDefinition("literal", node.lineno, type(node.value).__name__)
    displays = {ast.Dict: "dict", ast.List: "list", ast.Set: "set", ast.Tuple: "tuple"}
    displays[ast.JoinedStr] = "str"
    if type(node) in displays:
        return OtherTargetDefinition(
            "literal", line_of_target_definition(node), displays[type(node)]
        )
    return OtherTargetDefinition("unknown", line_of_target_definition(node))


def read_target_definition(
    node: Definition, file: Path, resolve: Callable[[str], str]
) -> TargetDefinition:
    """Read a function definition; *resolve* follows a name through the imports of its file."""
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    decorators = tuple(_dotted(each, resolve) for each in node.decorator_list)
    signature, input_type = _signature(node, resolve)
    return TargetDefinition(
        name=node.name,
        file=file,
        line=node.lineno,
        is_async=isinstance(node, ast.AsyncFunctionDef),
        is_generator=any(isinstance(each, ast.Yield | ast.YieldFrom) for each in _own(node)),
        signature=signature,
        input_type=input_type,
        decorators=decorators,
        required=len(positional) - len(arguments.defaults),
        positional=None if arguments.vararg else len(positional),
        keyword=next(
            (
                each.arg
                for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
                if default is None
            ),
            None,
        ),
        parameters=tuple(each.arg for each in positional),
        annotations=tuple(_annotation(each.annotation, resolve) for each in positional),
    )


def _signature(node: Definition, resolve: Callable[[str], str]) -> tuple[str | None, str | None]:
    """Return what the decorators say: the signature, and the type named in ``@typed(Type)``."""
    for each in node.decorator_list:
        kind = SIGNATURES.get(_dotted(each, resolve))
        if kind is None:
            continue
        named = (
            [*each.args, *(k.value for k in each.keywords)] if isinstance(each, ast.Call) else []
        )
        return kind, ast.unparse(named[0]) if named else None
    return None, None


def _dotted(node: ast.expr, resolve: Callable[[str], str]) -> str:
    """Return the resolved name of a decorator, called or not."""
    if isinstance(node, ast.Call):
        node = node.func
    text = ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ""
    return resolve(text) if text.replace(".", "").isidentifier() else "?"


def _annotation(node: ast.expr | None, resolve: Callable[[str], str]) -> str | None:
    if node is None:
        return None
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        text = node.value
    else:
        text = ast.unparse(node)
    return resolve(text) if text.replace(".", "").isidentifier() else text


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """Walk the body of a function, but not into the functions inside it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, Definition | ast.Lambda | ast.ClassDef):
            yield child
            yield from _own(child)
