from __future__ import annotations

from typing import NoReturn

import pytest

from inngest._internal.errors import format_stack


def raised() -> Exception:
    try:
        exec(compile("raise KeyError('order')", "app.py", "exec"), {})
    except KeyError as error:
        return error
    raise AssertionError


def test_an_error_whose_traceback_cannot_be_written_is_told_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> NoReturn:
        raise DeprecationWarning("Module globals is missing a __spec__.loader")

    error = raised()
    assert 'File "app.py", line 1' in format_stack(error)
    monkeypatch.setattr("linecache.lazycache", fail)
    assert format_stack(error) == "KeyError: 'order'"
