"""Small changes to the functions of a module, each of which some test should notice."""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

COMPARISONS: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
NAMES: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True)
class Mutant:
    """``name`` tells the function and what was changed in it, and is unlike every other of its module."""

    name: str
    line: int
    function: str
    make: Callable[[], ast.Module]

    @property
    def tree(self) -> ast.Module:
        """The module with the change, made only where somebody wants it: that takes longer than to name it."""
        return self.make()

    @property
    def text(self) -> str:
        """The function as it is with the change."""
        return ast.unparse(dict(functions(self.tree))[self.function])


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a module's functions and methods, in their order. Raises `SyntaxError` where ``source`` does not parse."""
    tree = ast.parse(source)
    names = Counter[str]()
    for qualname, function in functions(tree):
        for number, (before, after) in enumerate(_changes(function)):
            name = f"{qualname}: {_brief(before)} -> {_brief(after)}"
            names[name] += 1
            if names[name] > 1:
                name = f"{name} ({names[name]})"
            yield Mutant(name, getattr(before, "lineno", 0), qualname, partial(_changed, tree, qualname, number))


def broken(source: str, old: str, new: str) -> Mutant:
    """The module with ``new`` in place of ``old``. Raises `ValueError` unless that changes one function in one place."""
    if source.count(old) != 1:
        message = f"{old!r} stands there {source.count(old)} times, not once"
        raise ValueError(message)
    tree, before = ast.parse(source.replace(old, new)), dict(functions(ast.parse(source)))
    changed = [name for name, function in functions(tree) if ast.dump(function) != ast.dump(before[name])]
    if len(changed) != 1:
        message = f"{old!r} is a part of {len(changed)} functions, not of one"
        raise ValueError(message)
    return Mutant(
        f"{changed[0]}: {old} -> {new}", source[: source.index(old)].count("\n") + 1, changed[0], lambda: tree
    )


def functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """By qualified name those of the module and of its classes; what is defined inside another is a part of it."""
    for node in tree.body:
        if isinstance(node, Function):
            yield node.name, node
        if isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{each.name}", each) for each in node.body if isinstance(each, Function))


def _changed(tree: ast.Module, qualname: str, number: int) -> ast.Module:
    mutated = copy.deepcopy(tree)
    function = dict(functions(mutated))[qualname]
    target, after = list(_changes(function))[number]

    class Exchange(ast.NodeTransformer):
        def generic_visit(self, node: ast.AST) -> ast.AST:
            return ast.copy_location(after, node) if node is target else super().generic_visit(node)

    Exchange().visit(function)
    return ast.fix_missing_locations(mutated)


def _changes(function: Function) -> Iterator[tuple[ast.AST, ast.AST]]:
    """What can be changed, and into what. Docstrings, annotations, asserts and the words of errors stay."""
    for statement in function.body:
        for node in _below(statement):
            yield from ((node, after) for after in _variations(node))


def _below(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Assert | ast.Raise) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    ):
        return
    yield node
    annotation = getattr(node, "annotation", None)
    for child in ast.iter_child_nodes(node):
        if child is not annotation:
            yield from _below(child)


def _variations(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(ops=[op]) if type(op) in COMPARISONS:
            yield ast.Compare(node.left, [COMPARISONS[type(op)]()], node.comparators)
        case ast.BoolOp(op=op):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), node.values)
        case ast.UnaryOp(op=ast.Not()):
            yield node.operand
        case ast.BinOp(op=ast.Add()):
            yield ast.BinOp(node.left, ast.Sub(), node.right)
        case ast.BinOp(op=ast.Sub()):
            yield ast.BinOp(node.left, ast.Add(), node.right)
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield ast.Constant(value + 1)
        case ast.Name(id=name, ctx=ast.Load()) if name in NAMES:
            yield ast.Name(NAMES[name], ast.Load())
        case ast.Expr(value=ast.Call(func=called)) if not ast.unparse(called).startswith(("super()", "assert_never")):
            yield ast.Pass()
        case ast.AugAssign() | ast.Continue() | ast.Break():
            yield ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield ast.Pass()
        case ast.If(test=test) if not isinstance(test, ast.Compare | ast.BoolOp | ast.UnaryOp):
            yield ast.If(ast.UnaryOp(ast.Not(), test), node.body, node.orelse)
        case ast.IfExp():
            yield ast.IfExp(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
        case _:
            return


def _brief(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 90 else f"{text[:87]}..."
