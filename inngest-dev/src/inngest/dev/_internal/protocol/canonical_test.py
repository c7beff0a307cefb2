from __future__ import annotations

import json

import pytest

from inngest.dev._internal.protocol.canonical import canonical


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        # as recorded in cloud_mode_signed_call
        ('{"z":1,"a":1.0,"big":1e+21,"small":1e-06,"neg":-0.0,"i":12345678901234567890}',
         '{"a":1,"big":1e+21,"i":12345678901234567000,"neg":0,"small":0.000001,"z":1}'),
        # the examples of RFC 8785
        ('{"numbers":[333333333.33333329,1E30,4.50,2e-3,1e-27]}',
         '{"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27]}'),
        ('{"\\ufb33":1,"\\ud83d\\ude00":2,"1":3}', '{"1":3,"\U0001f600":2,"\ufb33":1}'),
        ("[9007199254740993,-1152921504606846977,1e16,1e-7,-1.5e-5,5e-324]",
         "[9007199254740992,-1152921504606847000,10000000000000000,1e-7,-0.000015,5e-324]"),
        ('["1.0 \\\\\\" 1e-06 12345678901234567890",1.0]',
         '["1.0 \\\\\\" 1e-06 12345678901234567890",1]'),
    ],
)  # fmt: skip
def test_numbers_and_keys_are_written_as_the_server_writes_them(sent: str, told: str) -> None:
    assert canonical(json.loads(sent)) == told.encode()


def test_a_number_beyond_doubles_is_told_as_it_came() -> None:
    assert canonical([10**400, 1.0]) == b"[1%s,1]" % (b"0" * 400)
