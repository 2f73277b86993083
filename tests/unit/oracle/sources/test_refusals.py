"""A node that refuses by policy is left alone for as long as it says."""

import asyncio
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.sources.client import AskedToWaitError, SourceFailureError
from oracle.sources.heads import FinalizedHeads
from oracle.sources.policy import SourcePolicy
from oracle.sources.refusals import wait_of_error, wait_of_status
from oracle.sources.restraint import Restraint
from tests.unit.oracle.sources.node import TableNode, until

NOW = {"Date": "Wed, 21 Oct 2026 07:28:00 GMT"}


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, None, 12.0),
        (429, {"retry-after": "7"}, 7.0),
        (429, {"Retry-After": "0"}, 12.0),
        (429, {"Retry-After": "-5"}, 12.0),
        (429, {"Retry-After": "nan"}, 12.0),
        (429, {"Retry-After": "99999999"}, 3_600.0),
        (429, {"Retry-After": "Wed, 21 Oct 2026 07:28:40 GMT"} | NOW, 40.0),
        (429, {"Retry-After": "Wed, 21 Oct 2026 07:28:40 GMT"}, 12.0),
        (429, {"Retry-After": "Wed, 21 Oct 99999999999 07:28:40 GMT"} | NOW, 12.0),
        (503, {"Retry-After": "9"}, 9.0),
        (503, {}, None),
        (502, {"Retry-After": "9"}, None),
    ],
)
def test_status__says_for_how_long(
    status: int, headers: Mapping[str, str] | None, seconds: float | None
) -> None:
    assert wait_of_status(status, headers) == seconds


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        ({"code": -32005, "message": "limit"}, 12.0),
        ({"code": -32005, "message": "limit", "data": {"retry_after": 3}}, 3.0),
        ({"code": -32005, "message": "limit", "data": {"retry_after": 10**400}}, 12.0),
        ({"code": -32004, "message": "storage work rate limit exceeded"}, 12.0),
        ({"code": -32004, "message": "Method not supported"}, None),
        ({"code": 1, "message": "Too many requests"}, 12.0),
        ({"code": 4003, "message": "State already discarded"}, None),
        ("RPC rate limit", 12.0),
        (None, None),
    ],
)
def test_error__says_for_how_long(error: object, seconds: float | None) -> None:
    assert wait_of_error(error) == seconds


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(error=JSON | st.fixed_dictionaries({"code": JSON, "message": JSON, "data": JSON}))
def test_error__any_json__none_or_some_seconds(error: Any) -> None:
    assert (wait_of_error(error) or 1) > 0


async def test_restraint__asked_to_wait__lets_nobody_through_until_then() -> None:
    restraint, passed = Restraint(nullcontext()), 0

    async def ask(failure: Exception | None = None) -> None:
        nonlocal passed
        async with restraint:
            passed += 1
            if failure is not None:
                raise failure

    with pytest.raises(AskedToWaitError):
        await ask(AskedToWaitError("limit", 600))
    with pytest.raises(AskedToWaitError):
        await ask()
    assert passed == 1
    restraint._rests_until -= 600
    await ask()
    with pytest.raises(SourceFailureError):
        await ask(SourceFailureError("cut"))
    await ask()
    assert passed == 4


async def test_restraint__asked_to_wait_while_another_waits_for_its_turn__neither_asks() -> None:
    turn = asyncio.Lock()
    restraint, asked = Restraint(turn), 0

    async def ask() -> None:
        nonlocal asked
        async with restraint:
            asked += 1
            await asyncio.sleep(0)
            raise AskedToWaitError("limit", 600)

    failures = await asyncio.gather(ask(), ask(), return_exceptions=True)
    assert [type(each) for each in failures] == [AskedToWaitError] * 2
    assert asked == 1
    assert not turn.locked()


@pytest.mark.parametrize("when", ["connecting", "subscribing"])
async def test_heads__asked_to_wait__are_not_subscribed_again_meanwhile(when: str) -> None:
    node, reported, connections = TableNode(), list[str](), 0

    async def connect(socket_s_max: float) -> Any:
        nonlocal connections
        connections += 1
        if when == "connecting":
            raise AskedToWaitError("limit", 600)
        return await node.connect(socket_s_max)

    heads = FinalizedHeads(
        connect=connect,
        policy=SourcePolicy(backoff_s_first=0.001, backoff_s_max=0.001),
        chance=lambda: 0.0,
        report=reported.append,
        failed=lambda _: None,
    )
    following = asyncio.ensure_future(anext(heads.follow(), None))
    if when == "subscribing":
        await until(lambda: bool(node.connections) and node.connections[0].put is not None)
        put = node.connections[0].put
        assert put is not None
        put(AskedToWaitError("limit", 600))
    await until(lambda: bool(reported))
    await asyncio.sleep(0.05)
    assert connections == 1
    heads.close()
    assert await following is None
