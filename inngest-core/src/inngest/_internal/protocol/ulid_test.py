from __future__ import annotations

import base64

from inngest._internal.protocol.ulid import ulid


def test_a_ulid_is_its_time_and_its_entropy() -> None:
    """The vector of PROTOCOL section 13: the first id of a seed is its entropy plus one."""
    entropy = int.from_bytes(base64.b64decode("eii2YKXRVTJPuA=="), "big") + 1
    assert ulid(1743130137367, entropy.to_bytes(10, "big")) == "01JQDAE4RQF8MBCR55T5AK4KXS"


def test_the_first_and_the_last_one_there_is() -> None:
    assert ulid(0, bytes(10)) == "0" * 26
    assert ulid(2**48 - 1, b"\xff" * 10) == "7" + "Z" * 25
