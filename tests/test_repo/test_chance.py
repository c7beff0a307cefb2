"""What a test finds depends neither on chance nor on how busy the machine is."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st


def test_property_tests_try_the_same_values_each_time_and_may_take_long() -> None:
    tried: list[int] = []

    @given(st.integers())
    def run(value: int) -> None:
        if not tried:
            time.sleep(0.25)  # as when the machine has other things to do
        tried.append(value)

    run()
    first = tried.copy()
    run()
    assert tried == first * 2
