r"""Read regular expressions as the server does (RE2), into programs of `automaton`. Pure.

Programs only say whether text matches: groups capture nothing, and lazy repetition is the same as
greedy. Scripts (`\p{Greek}`) are refused, as Python has no table of them; categories (`\p{Lu}`)
are read.

Why not a library: the binding of RE2 has wheels for some of our platforms only; `re` and `regex`
read another language, and their backtracking may take exponential time, or fill the memory.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inngest.dev._internal.expressions.automaton import (
    Accept,
    Automaton,
    Condition,
    Fork,
    Instruction,
    Require,
    Take,
    Test,
)

MAX_LENGTH = 10_000
MAX_REPEAT = 1000
MAX_SIZE = 10_000
"""Instructions of a program."""

_REPEAT = re.compile(r"([*+?])|\{(0|[1-9][0-9]*)(?:(,)(0|[1-9][0-9]*)?)?\}")
_NAME = re.compile(r"\(\?P?<([A-Za-z0-9_]+)>")
_FLAGS = re.compile(r"\(\?([imsU]*)(?:-([imsU]+))?([:)])")
_POSIX = re.compile(r"\[:(\^?)(\w{0,10}):\]", re.ASCII)
_CATEGORY = re.compile(r"\\([pP])(?:\{(\^?)(\w+)\}|([A-Z]))", re.ASCII)
_OCTAL = re.compile(r"0[0-7]{0,2}|[1-7][0-7]{1,2}")
_HEX = re.compile(r"x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]+)\})")
_CONTROLS = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_CONDITIONS: dict[str, Condition] = {
    "A": "begin", "z": "end", "b": "boundary", "B": "no boundary"
}  # fmt: skip
_CLASSES = {"d": "09", "s": "\t\n\f\r  ", "w": "09AZ__az"}
_POSIX_CLASSES = {
    "alnum": "09AZaz", "alpha": "AZaz", "ascii": "\0\x7f", "blank": "\t\t  ",
    "cntrl": "\0\x1f\x7f\x7f", "digit": "09", "graph": "!~", "lower": "az", "print": " ~",
    "punct": "!/:@[`{~", "space": "\t\r  ", "upper": "AZ", "word": "09AZ__az", "xdigit": "09AFaf",
}  # fmt: skip
"""Firsts and lasts of ranges."""
_CATEGORIES = frozenset(["C", "Cc", "Cf", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc",
    "Me", "Mn", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk",
    "Sm", "So", "Z", "Zl", "Zp", "Zs"])  # fmt: skip


class BadPatternError(Exception):
    """It is no regular expression, or is too large."""


def read(text: str) -> Automaton:
    """:raises BadPatternError: it cannot be read."""
    if len(text) > MAX_LENGTH:
        raise BadPatternError(f"it is longer than {MAX_LENGTH} characters")
    try:
        reader = _Reader(text)
        node = reader.alternatives()
        if reader.at < len(text):
            raise BadPatternError("unexpected )")
        program = _Program()
        return Automaton(program.instructions, node.emit(program, program.add(Accept())))
    except RecursionError:
        raise BadPatternError("it is nested too deeply") from None


class _Program:
    def __init__(self) -> None:
        self.instructions: list[Instruction] = []

    def add(self, instruction: Instruction) -> int:
        if len(self.instructions) >= MAX_SIZE:
            raise BadPatternError("it is too large")
        self.instructions.append(instruction)
        return len(self.instructions) - 1


@dataclass(frozen=True, slots=True)
class _Node:
    emit: Callable[[_Program, int], int]
    """Add instructions to a program that go on at the given place; returns where they begin."""
    copies: int = 1
    """How many copies counted repetitions (`{9}`) make of what is innermost in it."""


def _taking(test: Test) -> _Node:
    return _Node(lambda program, then: program.add(Take(test, then)))


def _requiring(condition: Condition) -> _Node:
    return _Node(lambda program, then: program.add(Require(condition, then)))


def _in_turn(nodes: Sequence[_Node]) -> _Node:
    def emit(program: _Program, then: int) -> int:
        if not nodes:  # an instruction even for nothing: or its repetitions would cost nothing
            return program.add(Fork([then]))
        for node in reversed(nodes):
            then = node.emit(program, then)
        return then

    return _Node(emit, max((node.copies for node in nodes), default=1))


def _either(nodes: Sequence[_Node]) -> _Node:
    if len(nodes) == 1:
        return nodes[0]
    return _Node(
        lambda program, then: program.add(Fork([node.emit(program, then) for node in nodes])),
        max(node.copies for node in nodes),
    )


def _repeated(node: _Node, least: int, most: int | None) -> _Node:
    def emit(program: _Program, then: int) -> int:
        if most is None:
            ways = [then]
            then = program.add(Fork(ways))
            ways.append(node.emit(program, then))
        else:
            after = then
            for _ in range(most - least):
                then = program.add(Fork([node.emit(program, then), after]))
        for _ in range(least):
            then = node.emit(program, then)
        return then

    return _Node(emit, node.copies)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self._flags = frozenset[str]()
        self._names = set[str]()

    def alternatives(self) -> _Node:
        """Read alternatives up to a `)` or the end. Flags that are set in them end with them."""
        flags = self._flags
        ways = [self._sequence()]
        while self._accept("|"):
            ways.append(self._sequence())
        self._flags = flags
        return _either(ways)

    def _sequence(self) -> _Node:
        found: list[_Node] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            if self._accept(r"\Q"):
                quoted, _, _ = self.text[self.at :].partition(r"\E")
                self.at += len(quoted)
                self._accept(r"\E")
                found += [_taking(self._literal(each)) for each in quoted]
                if quoted:
                    found.append(self._repeat(found.pop()))
            elif self._is_setting():
                if found:  # as in RE2, a repetition after it belongs to what is before it
                    found.append(self._repeat(found.pop()))
            else:
                found.append(self._repeat(self._atom()))
        return _in_turn(found)

    def _is_setting(self) -> bool:
        """Read a setting such as `(?i)`, which holds for what follows, if there is one here."""
        found = _FLAGS.match(self.text, self.at)
        if found is None or found[3] != ")":
            return False
        self.at = found.end()
        self._set(found)
        return True

    def _set(self, found: re.Match[str]) -> None:
        self._flags = (self._flags | set(found[1])) - set(found[2] or "")

    def _repeat(self, node: _Node) -> _Node:
        found = _REPEAT.match(self.text, self.at)
        if found is None:
            return node
        self.at = found.end()
        self._accept("?")
        if _REPEAT.match(self.text, self.at):
            raise BadPatternError("invalid nested repetition operator")
        if found[1]:
            return _repeated(node, int(found[1] == "+"), 1 if found[1] == "?" else None)
        least = _count(found[2])
        most = _count(found[4]) if found[4] else None if found[3] else least
        copies = node.copies * max(least, most or 0, 1)
        if copies > MAX_REPEAT or (most is not None and least > most):
            raise BadPatternError("invalid repeat count")
        return _Node(_repeated(node, least, most).emit, copies)

    def _atom(self) -> _Node:
        if _REPEAT.match(self.text, self.at):
            raise BadPatternError("missing argument to repetition operator")
        character = self._next()
        match character:
            case "(":
                return self._group()
            case "[":
                return _taking(self._class())
            case ".":
                return _taking(_anything if "s" in self._flags else lambda c: c != "\n")
            case "^":
                return _requiring("line begin" if "m" in self._flags else "begin")
            case "$":
                return _requiring("line end" if "m" in self._flags else "end")
            case "\\":
                self.at -= 1
                if self.text[self.at + 1 : self.at + 2] in _CONDITIONS:
                    self.at += 2
                    return _requiring(_CONDITIONS[self.text[self.at - 1]])
                return _taking(self._named_class() or self._literal(self._escaped()))
            case _:
                return _taking(self._literal(character))

    def _group(self) -> _Node:
        flags = self._flags
        if self._accept("?"):
            begin = self.at - 2
            named = _NAME.match(self.text, begin)
            found = _FLAGS.match(self.text, begin)
            if named is not None:
                if named[1] in self._names:
                    raise BadPatternError("duplicate capture group name")
                self._names.add(named[1])
                self.at = named.end()
            elif found is not None:
                self.at = found.end()
                self._set(found)
            else:
                raise BadPatternError("invalid or unsupported group: (?")
        node = self.alternatives()
        self._flags = flags
        if not self._accept(")"):
            raise BadPatternError("missing closing )")
        return node

    def _class(self) -> Test:
        is_negated = self._accept("^")
        tests = [self._member()]
        while not self._accept("]"):
            tests.append(self._member())
        member = self._folding(_any_of(tests))
        return _not(member) if is_negated else member

    def _member(self) -> Test:
        posix = _POSIX.match(self.text, self.at)
        if posix is not None:
            if posix[2] not in _POSIX_CLASSES:
                raise BadPatternError("invalid character class range")
            self.at = posix.end()
            named = _ranges(_POSIX_CLASSES[posix[2]])
            return _not(named) if posix[1] else named
        known = self._named_class()
        if known is not None:
            return known
        first = last = self._class_character()
        if self.text.startswith("-", self.at) and not self.text.startswith("-]", self.at):
            self.at += 1
            last = self._class_character()
        if last < first:
            raise BadPatternError("invalid character class range")
        return _ranges(first + last)

    def _class_character(self) -> str:
        if self.at >= len(self.text):
            raise BadPatternError("missing closing ]")
        return self._escaped() if self.text[self.at] == "\\" else self._next()

    def _named_class(self) -> Test | None:
        r"""`\d`, `\pL` and their kin."""
        if self.text[self.at : self.at + 1] != "\\":
            return None
        letter = self.text[self.at + 1 : self.at + 2]
        ranges = _CLASSES.get(letter.lower())
        if ranges is not None:
            self.at += 2
            test = self._folding(_ranges(ranges))
            return _not(test) if letter.isupper() else test
        found = _CATEGORY.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        test = self._folding(_category(found[3] or found[4]))
        return _not(test) if (found[1] == "P") is not bool(found[2]) else test

    def _escaped(self) -> str:
        """A single character that is written with a backslash."""
        self.at += 1
        octal, hexadecimal = _OCTAL.match(self.text, self.at), _HEX.match(self.text, self.at)
        if octal is not None:
            self.at = octal.end()
            return chr(int(octal[0], 8))
        if hexadecimal is not None:
            self.at = hexadecimal.end()
            return _character(hexadecimal[1] or hexadecimal[2])
        character = self._next()
        if character in _CONTROLS:
            return _CONTROLS[character]
        if not character.isascii() or character.isalnum():
            raise BadPatternError(f"invalid escape sequence: \\{character}")
        return character

    def _literal(self, wanted: str) -> Test:
        if "i" in self._flags:
            folded = _folded(wanted)
            return lambda c: _folded(c) == folded
        return lambda c: c == wanted

    def _folding(self, test: Test) -> Test:
        if "i" not in self._flags:
            return test
        return lambda c: any(test(each) for each in _variants(c))

    def _next(self) -> str:
        if self.at >= len(self.text):
            raise BadPatternError("trailing backslash")
        self.at += 1
        return self.text[self.at - 1]

    def _accept(self, wanted: str) -> bool:
        is_there = self.text.startswith(wanted, self.at)
        if is_there:
            self.at += len(wanted)
        return is_there


def _anything(_character: str) -> bool:
    return True


def _not(test: Test) -> Test:
    return lambda c: not test(c)


def _any_of(tests: Sequence[Test]) -> Test:
    return lambda c: any(test(c) for test in tests)


def _ranges(pairs: str) -> Test:
    bounds = list(zip(pairs[::2], pairs[1::2], strict=True))
    return lambda c: any(first <= c <= last for first, last in bounds)


def _category(name: str) -> Test:
    if name == "Any":
        return _anything
    if name not in _CATEGORIES:
        raise BadPatternError(f"unknown class \\p{{{name}}}: scripts are not supported here")
    return lambda c: unicodedata.category(c).startswith(name)


def _character(digits: str) -> str:
    number = int(digits, 16) if len(digits) <= MAX_REPEAT else -1
    if not 0 <= number <= 0x10FFFF:
        raise BadPatternError("invalid escape sequence")
    return chr(number)


def _count(digits: str) -> int:
    if len(digits) > 4:
        raise BadPatternError("invalid repeat count")
    return int(digits)


def _folded(character: str) -> str:
    """A character that is the same for all that differ only in their case."""
    folded = (character.casefold(), character.lower())
    return next((each for each in folded if len(each) == 1), character)


def _variants(character: str) -> set[str]:
    folded = _folded(character)
    forms = (character, folded, character.upper(), character.title(), folded.upper())
    return {each for each in forms if len(each) == 1 and _folded(each) == folded}
