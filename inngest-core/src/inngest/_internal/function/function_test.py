from __future__ import annotations

from typing import Any

import pytest

from inngest._internal.client.client import Inngest
from inngest._internal.errors import FunctionConfigInvalidError
from inngest._internal.function.config import TriggerEvent

GO = TriggerEvent(event="a/b")


@pytest.mark.parametrize("text", ["", "  "])
@pytest.mark.parametrize("name", ["app_id", "fn_id"])
def test_a_function_without_an_id_is_refused_by_the_name_of_the_id(name: str, text: str) -> None:
    ids = {"app_id": "app", "fn_id": "fn", name: text}
    client = Inngest(app_id=ids["app_id"], is_production=False)
    decorate = client.create_function(fn_id=ids["fn_id"], trigger=GO)
    with pytest.raises(FunctionConfigInvalidError, match=f"^{name}: "):
        decorate(lambda ctx: None)


def test_a_trigger_is_no_class() -> None:
    client = Inngest(app_id="app", is_production=False)
    trigger: Any = TriggerEvent
    with pytest.raises(FunctionConfigInvalidError, match=r"trigger: must be .*not a class"):
        client.create_function(fn_id="fn", trigger=trigger)(lambda _ctx: None)
