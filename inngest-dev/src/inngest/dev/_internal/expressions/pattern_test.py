"""Regular expressions: what RE2 reads and finds, and that no text takes long."""

from __future__ import annotations

import pytest

from inngest.dev._internal.expressions.automaton import Automaton
from inngest.dev._internal.expressions.pattern import MAX_LENGTH, BadPatternError, read


class Meter:
    def __init__(self) -> None:
        self.spent = 0

    def spend(self, operations: int) -> None:
        self.spent += operations


def finds(automaton: Automaton, text: str) -> bool:
    return automaton.finds(text, Meter().spend)


@pytest.mark.parametrize(
    ("pattern", "fitting", "others"),
    [
        ("", ["", "a"], []),
        ("b", ["abc"], ["ac", "B", ""]),
        ("^h.*o$", ["hello", "ho"], ["hello\n", "h\no", "oh"]),
        ("(?s)^h.*o$", ["h\no"], []),
        ("(?m)^b$", ["a\nb\nc", "b"], ["ab\nc"]),
        ("(?i)straße|k", ["STRAßE", "strabe K", "\N{KELVIN SIGN}"], ["strasse"]),
        ("(?i:a)b", ["Ab"], ["AB"]),
        ("a(?i)b|c", ["aB", "C"], ["AB"]),
        ("(?i)a(?-i)b", ["Ab"], ["AB"]),
        ("^(a|bc)+$", ["abca", "bc"], ["b", "", "acb"]),
        ("^a{2}$|^b{2,3}$|^c{2,}$", ["aa", "bb", "bbb", "cccc"], ["a", "aaa", "bbbb", "c"]),
        ("^a{,2}$", ["a{,2}"], ["aa"]),
        ("^(a?){3}$", ["", "aaa"], ["aaaa"]),
        ("^a??b*?c+?$", ["c", "abbcc"], ["ab"]),
        ("^(?:a*)*(?P<x>b)(?<y>c)$", ["aabc", "bc"], ["ac"]),
        ("^[a-c_][^a-c]$", ["ax", "_\n"], ["da", "aa"]),
        ("^[]a-]+$", ["]-a"], ["b"]),
        ("^[[:alpha:][:^ascii:]]+$", ["aé"], ["1"]),
        (r"^\d+\s\w\S\W\D$", ["42 _x-y"], ["42\v_x-y", "٤ a"]),
        (r"^[\d\-x]+$", ["1-x"], ["\\"]),
        (r"\bcat\b", ["a cat!", "cat"], ["cats", "concat"]),
        (r"\Bcat", ["concat"], ["cat"]),
        (r"\Aa\z", ["a"], ["a\n", "ba"]),
        (r"^\x41\x{1F600}\101\n\.\Qa.*\Eb*$", ["A😀A\n.a.*bb"], []),
        (r"^\pL\p{Lu}\PN\p{^Lu}$", ["éÉab"], ["aa1b", "aA1b"]),
        ("^[^[:digit:]]$", ["a"], ["1"]),
        (r"(?i)^[^k]\p{Lu}[b-d]$", ["aaC"], ["KaC"]),
        ("a||b", ["", "x"], []),
        ("(|a)+$", ["aa", ""], []),
        ("a(?i)+$", ["aa"], ["aA"]),
    ],
)
def test_it_finds_what_the_server_does(pattern: str, fitting: list[str], others: list[str]) -> None:
    automaton = read(pattern)
    assert [text for text in fitting if not finds(automaton, text)] == []
    assert [text for text in others if finds(automaton, text)] == []


@pytest.mark.parametrize(
    "pattern",
    [
        "(", ")", "(a", "[a", "[", "[]", "[b-a]", "[a-\\d]", "[[:nothing:]]", "\\", "*", "a|*", "(+)",
        "a**", "a{2}{3}", "a{1001}", "a{2,1}", "(a{100}){100}", "a{99999999999999999999}",
        "(?=a)", "(?!a)", "(?<=a)", "(?>a)", "(?x)a", "(?i-)", "(?P<n>a)(?P<n>b)", "(?P<é>a)",
        "\\1", "\\8", "\\Z", "\\é", "\\q", "\\x4", "\\x{110000}", "\\p{Greek}", "\\pé", "\\E",
        "(" * 5000 + ")" * 5000, "a" * (MAX_LENGTH + 1), "[a-z]{1000}" * 20, "(){1000}" * 20,
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_an_error(pattern: str) -> None:
    with pytest.raises(BadPatternError):
        read(pattern)


@pytest.mark.parametrize(
    "pattern", ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(a*)*b", "(.*)(.*)(.*)(.*)(.*)b", "(x+x+)+y"]
)
def test_the_work_grows_no_faster_than_the_text(pattern: str) -> None:
    def work(length: int) -> int:
        meter = Meter()
        read(pattern).finds("a" * length + "!", meter.spend)
        return meter.spent

    assert work(20_000) <= 3 * work(10_000)


def test_sets_of_ways_that_are_ever_new_are_forgotten() -> None:
    """This one has more states than the memory holds."""
    automaton = read("^(a|b)*a(a|b){16}$")
    bits = "".join("ab"[n.bit_count() % 2] for n in range(60_000))
    assert finds(automaton, bits[:-17] + "a" + "b" * 16)
    assert not finds(automaton, bits[:-17] + "b" * 17)
    assert len(automaton._known) <= 20_001
