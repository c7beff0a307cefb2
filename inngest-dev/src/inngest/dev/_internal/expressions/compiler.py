"""Compile an expression (CEL) to closures. Pure; lark reads the grammar.

Not read: messages (`Type{...}`), `dyn`, and the `optional` extensions; they are errors,
not ignored. `values` says what operators do, `functions` what functions do.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from lark import Lark, Token, Tree

from inngest.dev._internal.expressions import functions, values
from inngest.dev._internal.expressions.budget import Budget
from inngest.dev._internal.expressions.values import EvaluationError, Value

NOW, BUDGET = "@now", "@budget"
_MACROS = ("all", "exists", "exists_one", "filter", "map")
_COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_ESCAPE_IN_BYTES = re.compile(r"""\\(?:([?`])|[abfnrtv\\"']|x[0-9a-fA-F]{2}|[0-3][0-7]{2})""")
_ESCAPE = re.compile(rf"{_ESCAPE_IN_BYTES.pattern}|\\u[0-9a-fA-F]{{4}}|\\U[0-9a-fA-F]{{8}}")

_GRAMMAR = r"""
?start: expr
?expr: or | or "?" or ":" expr -> conditional
?or: and | or "||" and
?and: relation | and "&&" relation
?relation: sum | relation RELATION sum | relation IN sum
?sum: product | sum SUM product
?product: unary | product PRODUCT unary
?unary: member | "!" unary -> not | SUM unary -> negative
?member: primary
    | member "." IDENT -> select
    | member "." IDENT "(" arguments ")" -> method
    | member "[" expr "]" -> index
?primary: IDENT -> name
    | IDENT "(" arguments ")" -> call
    | "(" expr ")"
    | "[" arguments "]" -> list
    | "{" [entry ("," entry)* [","]] "}" -> map
    | FLOAT -> float | UINT -> uint | INT -> int | STRING -> string
    | "true" -> true | "false" -> false | "null" -> null
arguments: [expr ("," expr)* [","]]
entry: expr ":" expr
RELATION: "<=" | ">=" | "==" | "!=" | "<" | ">"
IN: "in"
SUM: "+" | "-"
PRODUCT: "*" | "/" | "%"
FLOAT: /([0-9]+\.[0-9]+|\.[0-9]+)([eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+/
UINT: /(0[xX][0-9a-fA-F]+|[0-9]+)[uU]/
INT: /0[xX][0-9a-fA-F]+|[0-9]+/
STRING: /(([bB][rR]?|[rR][bB]?)?)(\"\"\"(?s:(\\.|[^\\])*?)\"\"\"|'''(?s:(\\.|[^\\])*?)'''|"(\\.|[^"\\\n\r])*"|'(\\.|[^'\\\n\r])*')/
IDENT: /[_a-zA-Z][_a-zA-Z0-9]*/
COMMENT: /\/\/[^\n]*/
%import common.WS
%ignore WS
%ignore COMMENT
"""


Scope = Mapping[str, Value]
Code = Callable[[Scope], Value]
Node = Tree[Any] | Token


class UnknownError(Exception):
    """A name, a function or a literal that means nothing."""


def _budget(scope: Scope) -> Budget:
    budget: Budget = scope[BUDGET]
    return budget


@lru_cache(maxsize=1)
def parser() -> Lark:
    """The parser of expressions. It raises `LarkError` for what is none."""
    return Lark(_GRAMMAR, parser="lalr", maybe_placeholders=False)


def is_simple(tree: Tree[Any]) -> bool:
    allowed = {"or", "and", "relation", "not", "select", "index", "name", "list", "arguments",
               "float", "uint", "int", "string", "true", "false", "null"}  # fmt: skip
    numbers = ("float", "uint", "int")
    for node in tree.iter_subtrees():
        if node.data == "negative" and _child(node, -1).data in numbers:
            continue
        if node.data not in allowed:
            return False
    return True


def _child(node: Tree[Any], position: int) -> Tree[Any]:
    child = node.children[position]
    assert isinstance(child, Tree)
    return child


def code_of(tree: Tree[Any], names: frozenset[str]) -> Code:
    """:raises UnknownError: for what is well formed, but means nothing."""
    return _code(tree, names)


def _code(node: Node, names: frozenset[str]) -> Code:
    assert isinstance(node, Tree)
    return _COMPILERS[str(node.data)](node, names)


def _all(node: Tree[Any], names: frozenset[str]) -> list[Code]:
    return [_code(child, names) for child in node.children]


def _or(node: Tree[Any], names: frozenset[str]) -> Code:
    return _logic(node, names, True)


def _and(node: Tree[Any], names: frozenset[str]) -> Code:
    return _logic(node, names, False)


def _logic(node: Tree[Any], names: frozenset[str], decisive: bool) -> Code:
    """`||` and `&&`: an error of one side does not matter when the other side decides.

    :param decisive: the value of a side that decides, whatever the other one is.
    """
    left, right = _all(node, names)

    def evaluate(scope: Scope) -> Value:
        try:
            if values.boolean(left(scope)) is decisive:
                return decisive
        except EvaluationError:
            if values.boolean(right(scope)) is decisive:
                return decisive
            raise
        return values.boolean(right(scope))

    return evaluate


def _conditional(node: Tree[Any], names: frozenset[str]) -> Code:
    test, then, other = _all(node, names)
    return lambda scope: then(scope) if values.boolean(test(scope)) else other(scope)


def _relation(node: Tree[Any], names: frozenset[str]) -> Code:
    a, sign, b = _code(node.children[0], names), str(node.children[1]), node.children[2]
    right = _code(b, names)
    if sign == "==":
        return lambda scope: values.equal(a(scope), right(scope), _budget(scope))
    if sign == "!=":
        return lambda scope: not values.equal(a(scope), right(scope), _budget(scope))
    if sign == "in":
        return lambda scope: values.within(a(scope), right(scope), _budget(scope))
    test = _COMPARISONS[sign]
    return lambda scope: values.compare(test, a(scope), right(scope), _budget(scope))


def _binary(node: Tree[Any], names: frozenset[str]) -> Code:
    a, sign = _code(node.children[0], names), str(node.children[1])
    b = _code(node.children[2], names)
    return lambda scope: values.arithmetic(sign, a(scope), b(scope), _budget(scope))


def _not(node: Tree[Any], names: frozenset[str]) -> Code:
    (inner,) = _all(node, names)
    return lambda scope: not values.boolean(inner(scope))


def _negative(node: Tree[Any], names: frozenset[str]) -> Code:
    if str(node.children[0]) != "-":
        raise UnknownError("unexpected '+'")
    inner = _code(node.children[1], names)
    return lambda scope: values.negative(inner(scope))


def _select(node: Tree[Any], names: frozenset[str]) -> Code:
    inner, name = _code(node.children[0], names), str(node.children[1])
    return lambda scope: values.attribute(inner(scope), name)


def _index(node: Tree[Any], names: frozenset[str]) -> Code:
    inner, key = _all(node, names)
    return lambda scope: values.index(inner(scope), key(scope), _budget(scope))


def _name(node: Tree[Any], names: frozenset[str]) -> Code:
    name = str(node.children[0])
    if name not in names:
        raise UnknownError(f"undeclared reference to '{name}'")

    def evaluate(scope: Scope) -> Value:
        if name not in scope:
            raise EvaluationError(f"'{name}' has no value here")
        return scope[name]

    return evaluate


def _method(node: Tree[Any], names: frozenset[str]) -> Code:
    receiver, name = _code(node.children[0], names), str(node.children[1])
    arguments = _child(node, 2)
    if name in _MACROS:
        return _macro(name, receiver, arguments, names)
    codes = [receiver, *_all(arguments, names)]
    return _applied(name, functions.METHODS, codes)


def _call(node: Tree[Any], names: frozenset[str]) -> Code:
    name, arguments = str(node.children[0]), _child(node, 1)
    if name == "has":
        return _has(arguments, names)
    codes = _all(arguments, names)
    if name == "now" and not codes:
        return lambda scope: _at(scope, timedelta())
    if name in ("now_plus", "now_minus") and len(codes) == 1:
        sign = 1 if name == "now_plus" else -1
        return lambda scope: _at(scope, sign * functions.duration(codes[0](scope)))
    return _applied(name, functions.FUNCTIONS, codes)


def _at(scope: Scope, delta: timedelta) -> datetime:
    epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
    return epoch + timedelta(milliseconds=scope[NOW]) + delta


def _applied(
    name: str, table: Mapping[str, tuple[int, Callable[..., Value]]], codes: list[Code]
) -> Code:
    if name == "matches" and len(codes) == 2:
        return _matching(codes)
    if name not in table:
        raise UnknownError(f"undeclared reference to '{name}'")
    count, function = table[name]
    if len(codes) != count:
        raise UnknownError(f"'{name}' called with a wrong number of arguments")
    times = functions.WORK.get(name, 1)

    def evaluate(scope: Scope) -> Value:
        arguments = [code(scope) for code in codes]
        for _ in range(times):
            _budget(scope).copy(*arguments)
        return function(*arguments)

    return evaluate


def _matching(codes: list[Code]) -> Code:
    text, pattern = codes
    return lambda scope: functions.matches(text(scope), pattern(scope), _budget(scope))


def _has(arguments: Tree[Any], names: frozenset[str]) -> Code:
    if len(arguments.children) != 1 or _child(arguments, 0).data != "select":
        raise UnknownError("has() takes a field selection")
    select = _child(arguments, 0)
    inner, name = _code(select.children[0], names), str(select.children[1])

    def evaluate(scope: Scope) -> Value:
        value = inner(scope)
        return isinstance(value, dict) and name in value

    return evaluate


def _macro(name: str, receiver: Code, arguments: Tree[Any], names: frozenset[str]) -> Code:
    if len(arguments.children) != 2 or _child(arguments, 0).data != "name":
        raise UnknownError(f"{name}() takes a name and an expression")
    variable = str(_child(arguments, 0).children[0])
    body = _code(arguments.children[1], names | {variable})
    operations = sum(1 for _ in _child(arguments, 1).iter_subtrees())

    def evaluate(scope: Scope) -> Value:
        def each(item: Value) -> Value:
            _budget(scope).spend(operations)
            return body({**scope, variable: item})

        return values.macro(name, receiver(scope), each)

    return evaluate


def _list(node: Tree[Any], names: frozenset[str]) -> Code:
    codes = _all(_child(node, 0), names)
    return lambda scope: [code(scope) for code in codes]


def _map(node: Tree[Any], names: frozenset[str]) -> Code:
    entries = [tuple(_all(entry, names)) for entry in node.children if isinstance(entry, Tree)]

    def evaluate(scope: Scope) -> Value:
        found = {}
        for key, value in entries:
            name = key(scope)
            if not isinstance(name, str | int | bool):
                raise EvaluationError("a key of a map is a string, an integer or a boolean")
            found[name] = value(scope)
        return found

    return evaluate


def _literal(read: Callable[[str], Value]) -> Callable[[Tree[Any], frozenset[str]], Code]:
    def compile_literal(node: Tree[Any], _names: frozenset[str]) -> Code:
        try:
            value = read(str(node.children[0]) if node.children else "")
        except (ValueError, SyntaxError) as error:
            raise UnknownError(f"unreadable literal: {error}") from error
        return lambda _scope: value

    return compile_literal


def _read_int(text: str) -> int:
    number = int(text.rstrip("uU"), 16 if text[:2].lower() == "0x" else 10)
    if number >= 2**64:
        raise ValueError("integer out of range")
    return number


def _read_string(text: str) -> Value:
    """Read a literal by Python's rules, which are almost those of CEL.

    Escapes that only Python knows are refused; those that only CEL knows are put in beforehand.
    """
    prefix = text[:2].lower()
    if "r" in prefix:
        return ast.literal_eval(text)
    escape = _ESCAPE_IN_BYTES if "b" in prefix else _ESCAPE
    if "\\" in escape.sub("", text):
        raise ValueError(r"there is no such escape; a backslash is written \\")
    return ast.literal_eval(escape.sub(lambda found: found[1] or found[0], text))


_COMPILERS: Mapping[str, Callable[[Tree[Any], frozenset[str]], Code]] = {
    "and": _and,
    "call": _call,
    "conditional": _conditional,
    "false": _literal(lambda _text: False),
    "float": _literal(float),
    "index": _index,
    "int": _literal(_read_int),
    "list": _list,
    "map": _map,
    "method": _method,
    "name": _name,
    "negative": _negative,
    "not": _not,
    "null": _literal(lambda _text: None),
    "or": _or,
    "product": _binary,
    "relation": _relation,
    "select": _select,
    "string": _literal(_read_string),
    "sum": _binary,
    "true": _literal(lambda _text: True),
    "uint": _literal(_read_int),
}
