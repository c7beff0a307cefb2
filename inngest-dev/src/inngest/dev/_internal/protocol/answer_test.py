"""How answers, durations and signatures are read and made."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from inngest.dev._internal.drivers.signing import signature
from inngest.dev._internal.model.durations import (
    DAY,
    HOUR,
    parse_duration,
    parse_retry_after,
    parse_time,
)
from inngest.dev._internal.protocol.answer import Errored, Reported, Returned, read_answer
from inngest.dev._internal.protocol.call import call_url
from inngest.dev._internal.protocol.canonical import canonical

SDK = {"x-inngest-sdk": "t:v1", "x-inngest-req-version": "2"}
NOW = 1_800_000_000_000


def test_a_plain_answer_is_the_output() -> None:
    assert read_answer(200, SDK, b'{"a":1}', NOW) == Returned(output={"a": 1})
    assert read_answer(200, SDK, b"plain text", NOW) == Returned(output="plain text")


def test_lone_surrogates_are_replaced_and_pairs_kept() -> None:
    answer = read_answer(200, SDK, b'"\\ud800 \\ud83d\\ude00"', NOW)
    assert answer == Returned(output="\ufffd \U0001f600")


def test_one_operation_needs_no_list() -> None:
    assert read_answer(206, SDK, b'{"op":"None"}', NOW) == Reported(ops=[{"op": "None"}], version=2)


@pytest.mark.parametrize("version", ["x", "", "9" * 30, "9" * 5000, "-7"])
def test_a_version_that_cannot_be_one_is_none(version: str) -> None:
    answer = read_answer(206, {**SDK, "x-inngest-req-version": version}, b"[]", NOW)
    assert answer == Reported(ops=[])


@pytest.mark.parametrize(
    ("status", "headers", "content"),
    [(200, {}, b"1"), (206, {}, b"[]"), (206, SDK, b""), (206, SDK, b"[null]"), (201, SDK, b"  ")],
)
def test_what_no_sdk_would_say_is_a_retriable_failure(
    status: int, headers: dict[str, str], content: bytes
) -> None:
    answer = read_answer(status, headers, content, NOW)
    assert isinstance(answer, Errored)
    assert not answer.no_retry


def test_no_retry_fails_even_a_good_status() -> None:
    answer = read_answer(200, {**SDK, "x-inngest-no-retry": "true"}, b'"x"', NOW)
    assert isinstance(answer, Errored)
    assert answer.no_retry
    assert answer.body == "x"


def test_the_envelope_of_a_streamed_answer_counts() -> None:
    inner = {"status": 206, "headers": {"X-Inngest-Req-Version": "1"}, "body": '[{"op":"None"}]'}
    answer = read_answer(201, SDK, b"   " + json.dumps(inner).encode(), NOW)
    assert answer == Reported(ops=[{"op": "None"}], version=1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1500ms", 1500),
        ("1w2d3h4m5s6ms", 7 * DAY + 2 * DAY + 3 * HOUR + 245_006),
        ("1.5h", 5_400_000),
        ("0", 0),
        ("", None),
        ("5", None),
        ("5s!", None),
        ("--5s", None),
        ("106751d", 106_751 * DAY),
        ("106752d", None),  # more nanoseconds than Go's have room for
        ("-106752d", None),
    ],
)
def test_durations(text: str, expected: int | None) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", 3_000),
        ("0", 1_000),
        ("9999999", DAY),
        ("99999999", None),
        ("2027-01-15T08:00:10Z", 10_000),
        ("Fri, 15 Jan 2027 08:00:20 GMT", 20_000),
        ("soon", None),
    ],
)
def test_retry_after(text: str, expected: int | None) -> None:
    assert parse_retry_after(text, NOW) == expected


@pytest.mark.parametrize("text", ["Fri Jan 15 08:00:20 2027", "Fri, 15 Jan 2027 08:00:20 -0000"])
def test_a_date_that_names_no_zone_is_utc_wherever_the_engine_runs(text: str) -> None:
    program = "import sys, time; from inngest.dev._internal.model.durations import *; "
    program += "print(time.timezone, parse_retry_after(sys.argv[1], int(sys.argv[2])))"
    command = [sys.executable, "-c", program, text, str(NOW)]
    elsewhere = {**os.environ, "TZ": "ABC-14"}  # known without a database of zones
    said = subprocess.check_output(command, env=elsewhere, text=True, timeout=60)
    assert said.split() == ["-50400", "20000"]


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-10:00", "0001-01-01T00:00:00+10:00"])
def test_a_time_outside_the_years_that_can_be_written_is_none(text: str) -> None:
    assert parse_time(text) is None


def test_times_keep_their_fraction() -> None:
    assert parse_time("2027-01-15T09:00:00.123456789+01:00") == NOW + 123


def test_calls_are_canonical_and_address_one_step() -> None:
    assert canonical({"b": 1.0, "a": "é<"}) == '{"a":"é<","b":1}'.encode()
    url = call_url("http://x/api?fnId=old&stepId=step&k=v", "app-fn", "abc")
    assert url == "http://x/api?k=v&fnId=app-fn&stepId=abc"


def test_signatures_match_the_recorded_ones() -> None:
    key = "signkey-test-7468697320697320612074657374206b65792121"
    body = b'{"url":"http://127.0.0.1:45867/api/inngest"}'
    mac = "ab97afb2265151ccc0f69f936e043aec538230ae45b4be5f502d536e1edc263d"
    assert signature(key, body, 1795394098_000) == f"t=1795394098&s={mac}"
