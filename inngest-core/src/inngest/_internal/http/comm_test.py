from __future__ import annotations

from inngest._internal.http.comm import parse_query


def test_of_several_values_of_one_name_the_first_counts() -> None:
    assert parse_query("fnId=a&stepId=&fnId=b") == {"fnId": "a", "stepId": ""}


def test_what_servers_ask_is_kept_and_what_strangers_may_fill_the_memory_with_is_not() -> None:
    usual = "fnId=shop-charge&stepId=step"
    assert parse_query(usual) is parse_query(usual)
    endless = "&".join(f"n{number}" for number in range(10_000))
    assert parse_query(endless) == parse_query(endless)
    assert parse_query(endless) is not parse_query(endless)
