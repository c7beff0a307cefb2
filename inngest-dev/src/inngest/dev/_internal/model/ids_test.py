from __future__ import annotations

import pytest
from ulid import ULID

from inngest.dev._internal.model.ids import dispatch_of, is_ulid, new_ulid, request_id

NOW = 1_797_131_203_488


@pytest.mark.parametrize("now", [0, NOW, (1 << 48) - 1])
def test_a_ulid_tells_the_time_and_is_like_no_other(now: int) -> None:
    made = {new_ulid(now) for _ in range(100)}
    assert len(made) == 100
    assert all(is_ulid(each) and ULID.from_str(each).milliseconds == now for each in made)


def test_the_id_of_a_request_is_that_of_its_job_and_generation() -> None:
    one, later = request_id("job", 1, NOW), request_id("job", 1, NOW + 60_000)
    assert is_ulid(one)
    assert ULID.from_str(later).milliseconds == NOW + 60_000
    assert dispatch_of(one) == dispatch_of(later)
    others = {dispatch_of(request_id(job, generation, NOW)) for job, generation in
              [("job", 2), ("jobs", 1), ("job:1", 1)]}  # fmt: skip
    assert len(others | {dispatch_of(one)}) == 4
