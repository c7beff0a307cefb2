"""Recorded workers against our gateway."""

from __future__ import annotations

from typing import Final

import pytest

from .connect_gateway import GatewayPlan, GatewayReplay
from .connect_recordings import SESSIONS

NO_SCHEDULE: Final = (
    "'nope' is not a cron schedule of five fields, with an optional time zone in front "
    "(TZ=Europe/Paris 0 9 * * *)"
)
INVALID: Final = "At least one function is invalid: function rec-connect-errors-fn"
OTHER_GATEWAY: Final = "the recorded server has one gateway, and names it though it is excluded"
SAYS_WHY: Final = "the recorded server drops the connection; ours says why"
DETAIL: Final = "ours says which function, and what is wrong with it"
PLANS: Final = {
    "connect_cloud_auth": GatewayPlan(
        signing_key="signkey-test-7468697320697320612074657374206b65792121"
    ),
    "connect_drain": GatewayPlan(
        sockets={20: 2, 21: 10, 29: 10, 30: 10, 31: 10, **dict.fromkeys(range(33, 38), 2)},
        endpoints={25: "ws://server.test/v0/connect?gateway=gw-dev"},
        unlike={
            "23 gateway_group": ("gw-dev-2", OTHER_GATEWAY),
            "24 gateway_group": ("gw-dev-2", OTHER_GATEWAY),
            "39 gateway_group": ("gw-dev-2", OTHER_GATEWAY),
            "48 code": (1001, SAYS_WHY),
            "48 reason": ("connect_gateway_closing", SAYS_WHY),
        },
    ),
    "connect_errors": GatewayPlan(
        unlike={
            "10 code": (1008, SAYS_WHY),
            "10 reason": ("connect_worker_hello_timeout", SAYS_WHY),
            "58 message": (f"{INVALID} has no usable runtime url", DETAIL),
            "65 message": (f"{INVALID}: {NO_SCHEDULE}", DETAIL),
        },
    ),
}


@pytest.mark.parametrize("name", SESSIONS)
def test_the_gateway_does_what_is_recorded(name: str) -> None:
    plan = PLANS.get(name, GatewayPlan())
    replay = GatewayReplay(name=name, plan=plan)
    replay.run()
    assert not replay.problems, "\n".join(replay.problems)
    assert replay.compared
    assert replay.used == set(plan.unlike)
