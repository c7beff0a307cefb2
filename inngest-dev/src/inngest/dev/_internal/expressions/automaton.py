"""Match text against a program of `pattern`, in time linear in its length. Pure.

A lazy DFA: all ways through the program are followed at once, character by character. Which set
of ways a character leads to is worked out once, and remembered while there is room.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

Test = Callable[[str], bool]
"""Of one character."""
Condition = Literal["begin", "end", "line begin", "line end", "boundary", "no boundary"]
_Side = Literal["begin", "newline", "word", "other"]
_ROOM = 20_000
"""How many transitions of an automaton are remembered."""
_CHARACTERS = 8
"""So many remembered transitions take the time of one operation."""


@dataclass(frozen=True, slots=True)
class Take:
    """Go on after one character, if it passes the test."""

    test: Test
    then: int


@dataclass(frozen=True, slots=True)
class Require:
    """Go on if this is true between two characters."""

    condition: Condition
    then: int


@dataclass(frozen=True, slots=True)
class Fork:
    """Go on at each of these places."""

    then: Sequence[int]


@dataclass(frozen=True, slots=True)
class Accept:
    """The text fits."""


Instruction = Take | Require | Fork | Accept


@dataclass(slots=True, eq=False)
class _State:
    ways: frozenset[int]
    """Places in the program where ways go on that began earlier. One begins at each character."""
    before: _Side
    """What kind of character comes before."""
    steps: dict[str, _State] = field(default_factory=dict)


class Automaton:
    def __init__(self, program: Sequence[Instruction], start: int) -> None:
        self._program, self._start = program, start
        self._accepted = _State(frozenset(), "other")
        self._forget()

    @property
    def size(self) -> int:
        return len(self._program)

    def finds(self, text: str, spend: Callable[[int], None]) -> bool:
        """Whether the program matches a part of the text.

        :param spend: called with the number of operations about to be done; raises to stop.
        """
        spend(len(text) // _CHARACTERS)
        state = self._known["begin", frozenset[int]()]
        for character in text:
            state = state.steps.get(character) or self._step(state, character, spend)
            if state is self._accepted:
                return True
        return any(isinstance(each, Accept) for each in self._reached(state, None, spend))

    def _forget(self) -> None:
        begin = _State(frozenset(), "begin")
        self._known: dict[tuple[_Side, frozenset[int]], _State] = {("begin", begin.ways): begin}
        self._steps = 0

    def _step(self, state: _State, character: str, spend: Callable[[int], None]) -> _State:
        self._steps += 1
        if self._steps > _ROOM:
            self._forget()
        following = self._after(state, character, spend)
        state.steps[character] = following
        return following

    def _after(self, state: _State, character: str, spend: Callable[[int], None]) -> _State:
        ways = set[int]()
        for each in self._reached(state, character, spend):
            if isinstance(each, Accept):
                return self._accepted
            if isinstance(each, Take) and each.test(character):
                ways.add(each.then)
        after = _side(character), frozenset(ways)
        return self._known.setdefault(after, _State(after[1], after[0]))

    def _reached(
        self, state: _State, following: str | None, spend: Callable[[int], None]
    ) -> Iterator[Instruction]:
        """The instructions that are reached before the following character; None: at the end."""
        waiting, seen = [self._start, *state.ways], set[int]()
        while waiting:
            place = waiting.pop()
            if place in seen:
                continue
            seen.add(place)
            spend(1)
            instruction = self._program[place]
            yield instruction
            match instruction:
                case Fork(then=ways):
                    waiting += ways
                case Require(condition=condition, then=then):
                    if _is_true(condition, state.before, following):
                        waiting.append(then)


def _side(character: str) -> _Side:
    return "newline" if character == "\n" else "word" if is_word(character) else "other"


def is_word(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character == "_")


def _is_true(condition: Condition, before: _Side, following: str | None) -> bool:
    match condition:
        case "begin":
            return before == "begin"
        case "end":
            return following is None
        case "line begin":
            return before in ("begin", "newline")
        case "line end":
            return following is None or following == "\n"
        case "boundary" | "no boundary":
            is_boundary = (before == "word") != (following is not None and is_word(following))
            return is_boundary is (condition == "boundary")
