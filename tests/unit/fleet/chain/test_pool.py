"""Several nodes as one, with nodes that are played."""

import asyncio
from typing import Any

import pytest

from fleet.chain.endpoint import Endpoint
from fleet.chain.failures import (
    CallReverted,
    ChainError,
    NodesDisagree,
    NodeUnavailable,
    RateUsedUp,
    RequestRejected,
    StateUnavailable,
    WrongChain,
)
from fleet.chain.pool import Pool, PoolPolicy
from fleet.chain.states import NodeState
from fleet.chain.throttle import Urgency
from units import BlockHash

DOWN = NodeUnavailable("down")
BUSY = NodeUnavailable("too many requests", retry_after_s=30)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


class PlayedEndpoint(Endpoint):
    """Answers what it is told to; an exception is raised. `height` is what it says of its head."""

    def __init__(
        self, name: str, answer: object = "0x1", chain_id: int = 964, operator: str | None = None
    ) -> None:
        super().__init__(
            name=name, url="http://nowhere.invalid", rate=None, timeout_s=1, operator=operator
        )
        self.answer = answer
        self.chain_id = chain_id
        self.height = 100
        self.fork = 0
        self.asked: list[str] = []
        self.hangs = False

    async def request(self, method: str, params: list[Any], urgency: Urgency) -> Any:
        self.asked.append(method)
        if self.hangs:
            await asyncio.Event().wait()
        if isinstance(self.answer, NodeUnavailable):
            raise self.answer
        match method:
            case "eth_chainId":
                return hex(self.chain_id)
            case "eth_syncing":
                return False
            case "eth_getBlockByNumber":
                return self._block(params[0])
            case _:
                pass
        if isinstance(self.answer, ChainError):
            raise self.answer
        return self.answer

    def _block(self, tag: str) -> Any:
        number = {"earliest": 0, "latest": self.height, "finalized": self.height - 2}.get(tag)
        number = int(tag, 16) if number is None else number
        if number > self.height:
            return None
        fork = 0 if number < self.height else self.fork
        return {
            "number": hex(number),
            "hash": f"0x{fork:032x}{number:032x}",
            "parentHash": f"0x{max(number - 1, 0):064x}",
            "timestamp": hex(12 * number),
        }


class Heard:
    """Notes what becomes of nodes."""

    def __init__(self) -> None:
        self.states: list[tuple[str, NodeState | None, NodeState]] = []
        self.votes: list[str] = []
        self.results: list[tuple[str, str]] = []

    def state_changed(
        self, endpoint: str, before: NodeState | None, state: NodeState, why: str
    ) -> None:
        self.states.append((endpoint, before, state))

    def requested(self, endpoint: str, result: str) -> None:
        self.results.append((endpoint, result))

    def outvoted(self, endpoint: str) -> None:
        self.votes.append(endpoint)

    def waited(self, endpoint: str, seconds: float) -> None: ...


def pool(*endpoints: PlayedEndpoint, agreement: int = 1, clock: Clock | None = None) -> Pool:
    policy = PoolPolicy(agreement=agreement, hedge_s=0.02)
    return Pool(endpoints, chain_id=964, policy=policy, now=clock or Clock())


async def ask(nodes: Pool) -> Any:
    return await nodes.request("eth_blockNumber", [], Urgency.DECIDING)


async def test_request__first_is_up__the_second_is_left_alone() -> None:
    first, second = PlayedEndpoint("a", "0xa"), PlayedEndpoint("b", "0xb")
    assert await ask(pool(first, second)) == "0xa"
    assert second.asked == []


async def test_request__first_is_down__the_second_answers_until_it_is_tried_again() -> None:
    first, second, clock = PlayedEndpoint("a", DOWN), PlayedEndpoint("b", "0xb"), Clock()
    nodes = pool(first, second, clock=clock)
    assert await ask(nodes) == "0xb"
    first.answer, first.asked = "0xa", []
    assert await ask(nodes) == "0xb"
    assert first.asked == [], "one that has just failed does not delay every request"
    clock.seconds += 12
    assert await ask(nodes) == "0xa"


async def test_request__only_node_failed__is_asked_again_at_once() -> None:
    first = PlayedEndpoint("a", DOWN)
    nodes = pool(first)
    for _ in range(5):
        with pytest.raises(NodeUnavailable):
            await ask(nodes)
    assert nodes.states() == {"a": NodeState.UNREACHABLE}
    first.answer = "0xa"
    assert await ask(nodes) == "0xa"


async def test_request__a_node_lags__the_one_that_does_not_is_asked() -> None:
    first, second = PlayedEndpoint("a", "0xa"), PlayedEndpoint("b", "0xb")
    nodes = pool(first, second)
    second.height = 200
    await nodes._probe(nodes._members.all[1])
    await nodes._probe(nodes._members.all[0])
    assert nodes.states() == {"a": NodeState.OUT_OF_SYNC, "b": NodeState.ALIVE}
    assert await ask(nodes) == "0xb"


async def test_request__asked_to_wait__is_not_asked_again_meanwhile() -> None:
    first, second = PlayedEndpoint("a", BUSY), PlayedEndpoint("b", "0xb")
    nodes = pool(first, second)
    await ask(nodes)
    first.asked.clear()
    assert await ask(nodes) == "0xb"
    assert first.asked == []


async def test_request__every_node_asked_to_wait__says_how_long_without_asking() -> None:
    first = PlayedEndpoint("a", BUSY)
    nodes = pool(first)
    with pytest.raises(NodeUnavailable):
        await ask(nodes)
    first.asked.clear()
    with pytest.raises(NodeUnavailable) as failure:
        await ask(nodes)
    assert failure.value.retry_after_s == 30
    assert first.asked == []


async def test_request__all_down__names_each() -> None:
    nodes = pool(PlayedEndpoint("a", NodeUnavailable("a: x")), PlayedEndpoint("b", DOWN))
    with pytest.raises(NodeUnavailable, match="a: x; down"):
        await ask(nodes)


async def test_request__state_is_gone_everywhere__keeps_its_type() -> None:
    gone = StateUnavailable("pruned", retry_after_s=12)
    first, second = PlayedEndpoint("a", "0x1"), PlayedEndpoint("b", "0x1")
    nodes = pool(first, second)
    await nodes.check()
    first.answer = second.answer = gone
    with pytest.raises(StateUnavailable):
        await ask(nodes)
    second.answer = "0xb"
    assert await ask(nodes) == "0xb", "neither was sent to rest for that"


async def test_request__contract_reverted__is_an_answer_not_a_reason_to_ask_another() -> None:
    first, second = PlayedEndpoint("a", "0x1"), PlayedEndpoint("b")
    nodes = pool(first, second)
    await nodes.check()
    first.answer, second.asked = CallReverted(b"no"), []
    with pytest.raises(CallReverted):
        await ask(nodes)
    assert second.asked == []


async def test_check__one_serves_another_chain__refused_by_name() -> None:
    nodes = pool(PlayedEndpoint("a"), PlayedEndpoint("b", chain_id=945))
    with pytest.raises(WrongChain, match="b serves chain 945, not 964"):
        await nodes.check()


async def test_check__one_is_down__is_checked_before_it_is_believed() -> None:
    first, second = PlayedEndpoint("a"), PlayedEndpoint("b", DOWN, chain_id=1)
    nodes = pool(first, second)
    await nodes.check()
    first.answer, second.answer = DOWN, "0xb"
    with pytest.raises(NodeUnavailable, match="b serves chain 1, not 964"):
        await ask(nodes)
    assert "eth_blockNumber" not in second.asked, "nothing it says is of interest"


async def test_request__only_node_changes_to_another_chain_and_back__refused_meanwhile() -> None:
    first, clock = PlayedEndpoint("a", "0xa", chain_id=1), Clock()
    nodes = pool(first, clock=clock)
    with pytest.raises(WrongChain):
        await ask(nodes)
    first.asked.clear()
    with pytest.raises(WrongChain):
        await ask(nodes)
    assert first.asked == [], "it has said so not long ago"
    first.chain_id = 964
    clock.seconds += 12
    assert await ask(nodes) == "0xa"


async def test_probe__node_changes_its_chain_while_it_runs__is_not_believed_any_more() -> None:
    first, second, clock = PlayedEndpoint("a", "0xa"), PlayedEndpoint("b", "0xb"), Clock()
    nodes, heard = pool(first, second, clock=clock), Heard()
    nodes.listen(heard)
    assert await ask(nodes) == "0xa"
    first.chain_id = 1
    clock.seconds += 300
    for member in nodes._members.all:
        await nodes._probe(member)
    assert await ask(nodes) == "0xb"
    assert heard.states[-2:] == [
        ("a", None, NodeState.WRONG_CHAIN),
        ("b", None, NodeState.ALIVE),
    ]


class SlowlyDown(PlayedEndpoint):
    """Needs a while to give no answer."""

    async def request(self, method: str, params: list[Any], urgency: Urgency) -> Any:
        self.asked.append(method)
        await asyncio.sleep(0.1)
        raise NodeUnavailable(f"{self.name}: no answer in 0.1 s")


async def test_identity__many_ask_a_silent_node_at_once__wait_for_one_silence_together() -> None:
    silent = SlowlyDown("a")
    nodes = pool(silent)
    async with asyncio.timeout(0.3):
        found = await asyncio.gather(*(ask(nodes) for _ in range(10)), return_exceptions=True)
    assert all(isinstance(each, NodeUnavailable) for each in found)
    assert silent.asked == ["eth_chainId"]
    with pytest.raises(NodeUnavailable):
        await ask(nodes)
    assert silent.asked == ["eth_chainId"] * 2, "the next one asks anew"


async def test_genesis__configured__a_node_of_another_world_is_refused() -> None:
    first, second = PlayedEndpoint("a"), PlayedEndpoint("b")
    own = BlockHash(f"0x{0:064x}")
    assert (await Pool([first], chain_id=964, genesis=own).head(Urgency.DECIDING)).number == 100
    with pytest.raises(WrongChain, match="its genesis is"):
        await Pool([second], chain_id=964, genesis=BlockHash("0x" + "ab" * 32)).check()


async def test_states__every_change__is_told_once() -> None:
    first, clock, heard = PlayedEndpoint("a"), Clock(), Heard()
    nodes = pool(first, clock=clock)
    nodes.listen(heard)
    await nodes.head(Urgency.DECIDING)
    await nodes.head(Urgency.DECIDING)
    first.answer = DOWN
    for _ in range(5):
        with pytest.raises(NodeUnavailable):
            await nodes.head(Urgency.DECIDING)
    first.answer = "0x1"
    await nodes.head(Urgency.DECIDING)
    assert heard.states == [
        ("a", None, NodeState.ALIVE),
        ("a", NodeState.ALIVE, NodeState.UNREACHABLE),
        ("a", NodeState.UNREACHABLE, NodeState.ALIVE),
    ]
    later = Heard()
    nodes.listen(later)
    assert later.states == [("a", None, NodeState.ALIVE)]
    assert ("a", "failed") in heard.results


async def test_rate_used_up__is_our_own_doing__not_held_against_the_node() -> None:
    first = PlayedEndpoint("a")
    nodes = pool(first)
    await nodes.head(Urgency.DECIDING)
    first.answer = RateUsedUp("a: the configured rate is used up")
    for _ in range(9):
        with pytest.raises(RateUsedUp):
            await nodes.request("eth_call", [], Urgency.DECIDING)
    assert nodes.states() == {"a": NodeState.ALIVE}


async def test_watch__nobody_asks__every_node_is_looked_at_about_once_a_block() -> None:
    first, second, clock = PlayedEndpoint("a"), PlayedEndpoint("b", DOWN), Clock()
    nodes = pool(first, second, clock=clock)
    for _ in range(40):
        for member in nodes._members.all:
            await nodes._probe(member)
        clock.seconds += 3
    assert nodes.states() == {"a": NodeState.ALIVE, "b": NodeState.UNREACHABLE}
    assert first.asked.count("eth_getBlockByNumber") == 10
    assert len(first.asked) == 12, "and once its chain and whether it is in sync"
    assert len(second.asked) == 10


async def test_check__all_down__unavailable() -> None:
    with pytest.raises(NodeUnavailable):
        await pool(PlayedEndpoint("a", DOWN)).check()


def rejection(message: str) -> RequestRejected:
    return RequestRejected(method="eth_sendRawTransaction", code=-32000, message=message)


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        ("0xhash", "0xhash", "accepted"),
        (rejection("nonce too low"), "0xhash", "accepted"),
        (rejection("nonce too low"), rejection("already known"), "already known"),
        (rejection("insufficient funds"), rejection("nonce too low"), "nonce too low"),
        (rejection("insufficient funds"), rejection("insufficient funds"), "insufficient funds"),
        (rejection("insufficient funds"), BUSY, "uncertain"),
        (DOWN, "0xhash", "accepted"),
        (DOWN, rejection("already known"), "already known"),
        (DOWN, rejection("nonce too low"), "uncertain"),
        (DOWN, rejection("insufficient funds"), "uncertain"),
        (DOWN, DOWN, "uncertain"),
        (BUSY, BUSY, "uncertain"),
        (rejection("what is that"), "0xhash", "accepted"),
        (rejection("what is that"), rejection("nonce too low"), "uncertain"),
    ],
)
async def test_broadcast__two_nodes__a_no_after_a_silence_proves_nothing(
    first: object, second: object, verdict: str
) -> None:
    one, two = PlayedEndpoint("a"), PlayedEndpoint("b")
    nodes = pool(one, two)
    await nodes.check()
    one.answer, two.answer = first, second
    assert (await nodes.broadcast(b"\x01")).verdict == verdict


async def test_broadcast__every_node_rests__uncertain_and_nobody_is_asked() -> None:
    one = PlayedEndpoint("a", BUSY)
    nodes = pool(one)
    await nodes.broadcast(b"\x01")
    one.asked.clear()
    assert (await nodes.broadcast(b"\x01")).verdict == "uncertain"
    assert one.asked == []


async def test_broadcast__healthy_nodes__all_get_it() -> None:
    nodes = [PlayedEndpoint(name) for name in "abc"]
    assert (await pool(*nodes).broadcast(b"\x01")).verdict == "accepted"
    await asyncio.sleep(0)
    assert all("eth_sendRawTransaction" in node.asked for node in nodes)


async def test_broadcast__one_hangs__the_others_word_is_not_delayed() -> None:
    hanging, quick = PlayedEndpoint("a"), PlayedEndpoint("b")
    nodes = pool(hanging, quick)
    await nodes.check()
    hanging.hangs = True
    async with asyncio.timeout(0.5):
        assert (await nodes.broadcast(b"\x01")).verdict == "accepted"
    assert len(nodes._deliveries._tasks) == 1, "it is on its way there as well"
    await nodes.close()
    assert len(nodes._deliveries._tasks) == 0


async def test_broadcast__one_hangs_and_another_refuses__uncertain_only_after_its_time() -> None:
    hanging, quick = PlayedEndpoint("a"), PlayedEndpoint("b")
    nodes = pool(hanging, quick)
    await nodes.check()
    hanging.hangs, quick.answer = True, rejection("nonce too low")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await nodes.broadcast(b"\x01")
    await nodes.close()


async def test_broadcast__a_node_is_unreachable__is_told_and_not_waited_for() -> None:
    gone, quick = PlayedEndpoint("a", DOWN), PlayedEndpoint("b")
    nodes = pool(gone, quick)
    for _ in range(3):
        with pytest.raises(NodeUnavailable):
            await nodes._members.all[0].probe()
    gone.hangs, quick.answer, gone.asked = True, rejection("nonce too low"), []
    await nodes._members.all[1].head(Urgency.DECIDING)
    async with asyncio.timeout(0.5):
        answer = await nodes.broadcast(b"\x01")
    assert answer.verdict == "uncertain", "it may have it from before"
    assert gone.asked == ["eth_chainId"]
    await nodes.close()


async def test_broadcast__a_node_of_another_chain__has_no_say() -> None:
    wrong, right = PlayedEndpoint("a", chain_id=1), PlayedEndpoint("b")
    nodes = pool(wrong, right)
    right.answer = rejection("nonce too low")
    assert (await nodes.broadcast(b"\x01")).verdict == "nonce too low"
    assert "eth_sendRawTransaction" not in wrong.asked


THREE = ("a", "b", "c")


def three(*answers: object) -> list[PlayedEndpoint]:
    return [PlayedEndpoint(name, answer) for name, answer in zip(THREE, answers, strict=True)]


async def decide(nodes: Pool) -> Any:
    async def inquiry(node: Endpoint) -> Any:
        return await node.request("eth_call", [], Urgency.DECIDING)

    return await nodes.agreed(inquiry, Urgency.DECIDING)


async def test_agreed__two_of_three_say_the_same__the_third_is_not_asked() -> None:
    played = three("0xa", "0xa", "0xc")
    assert await decide(pool(*played, agreement=2)) == "0xa"
    assert played[2].asked == []


async def test_agreed__one_lies__outvoted_and_named() -> None:
    nodes, heard = pool(*three("0xlie", "0xa", "0xa"), agreement=2), Heard()
    nodes.listen(heard)
    assert await decide(nodes) == "0xa"
    assert heard.votes == ["a"]


async def test_agreed__all_say_something_else__never_the_first_answer() -> None:
    nodes, heard = pool(*three("0xa", "0xb", "0xc"), agreement=2), Heard()
    nodes.listen(heard)
    with pytest.raises(NodesDisagree) as failure:
        await decide(nodes)
    assert sorted(failure.value.said) == ["a", "b", "c"]
    assert sorted(heard.votes) == ["a", "b", "c"]


async def test_agreed__one_lags__is_left_out() -> None:
    late = StateUnavailable("not there yet", retry_after_s=12)
    assert await decide(pool(*three(late, "0xa", "0xa"), agreement=2)) == "0xa"
    with pytest.raises(StateUnavailable):
        await decide(pool(*three(late, "0xa", late), agreement=2))


async def test_agreed__one_hangs__another_is_asked_in_its_place() -> None:
    played = three("0xa", "0xa", "0xa")
    nodes = pool(*played, agreement=2)
    await nodes.check()
    played[0].hangs = True
    async with asyncio.timeout(0.5):
        assert await decide(nodes) == "0xa"


async def test_agreed__two_endpoints_of_one_operator__are_one_witness() -> None:
    mine = [PlayedEndpoint("a", "0xa"), PlayedEndpoint("a-2", "0xa", operator="a")]
    other = PlayedEndpoint("b", "0xb")
    nodes = pool(*mine, other, agreement=2)
    with pytest.raises(NodesDisagree):
        await decide(nodes)
    other.answer = "0xa"
    assert await decide(nodes) == "0xa"
    mine[0].answer = DOWN
    assert await decide(nodes) == "0xa", "the second stands in for the first"


async def test_agreed__too_few_may_be_asked__says_how_long_without_asking() -> None:
    played = three("0xa", BUSY, BUSY)
    nodes = pool(*played, agreement=2)
    with pytest.raises(NodeUnavailable):
        await decide(nodes)
    played[0].asked.clear()
    with pytest.raises(NodeUnavailable) as failure:
        await decide(nodes)
    assert failure.value.retry_after_s == 30
    assert played[0].asked == []


async def test_agreed__all_revert_alike__that_is_the_answer() -> None:
    nodes = pool(*three(CallReverted(b"x"), CallReverted(b"x"), "0xa"), agreement=2)
    with pytest.raises(CallReverted):
        await decide(nodes)


async def test_head__agreement__the_highest_that_so_many_have_reached() -> None:
    played = three("0x", "0x", "0x")
    played[0].height, played[1].height, played[2].height = 120, 110, 90
    found = await pool(*played, agreement=2).head(Urgency.DECIDING)
    assert found.number == 110


async def test_head__one_is_far_ahead_of_its_time__is_not_followed() -> None:
    played = three("0x", "0x", "0x")
    played[0].height = 1_000_000
    nodes = pool(*played, agreement=2)
    assert (await nodes.head(Urgency.DECIDING)).number == 100
    assert set(nodes.states().values()) == {NodeState.ALIVE}, "nobody lags behind one liar"


async def test_head__two_forks_of_the_same_height__no_head() -> None:
    played = [PlayedEndpoint("a"), PlayedEndpoint("b")]
    played[1].fork = 1
    with pytest.raises(NodesDisagree):
        await pool(*played, agreement=2).head(Urgency.DECIDING)


async def test_finalized__agreement__the_highest_that_so_many_hold_for_final() -> None:
    played = three("0x", "0x", "0x")
    played[0].height, played[2].height = 120, 90
    found = await pool(*played, agreement=2).finalized(Urgency.DECIDING)
    assert found is not None
    assert found.number == 98


@pytest.mark.parametrize(
    ("answers", "known"),
    [((None, None), False), ((None, {}), True), ((DOWN, {}), True), (({}, DOWN), True)],
)
async def test_anyone__one_says_yes__yes(answers: tuple[object, object], known: bool) -> None:
    nodes = pool(PlayedEndpoint("a", answers[0]), PlayedEndpoint("b", answers[1]))
    assert await anyone(nodes) is known


async def anyone(nodes: Pool) -> bool:
    async def inquiry(node: Endpoint) -> bool:
        return await node.request("eth_getTransactionByHash", [], Urgency.SENDING) is not None

    return await nodes.anyone(inquiry, Urgency.SENDING)


@pytest.mark.parametrize("silence", [DOWN, BUSY])
async def test_anyone__one_is_silent_and_nobody_says_yes__not_taken_for_no(
    silence: NodeUnavailable,
) -> None:
    nodes = pool(PlayedEndpoint("a", None), PlayedEndpoint("b", silence))
    for _ in range(2):
        with pytest.raises(NodeUnavailable):
            await anyone(nodes)


async def test_anyone__one_has_been_gone_for_long__the_others_are_believed() -> None:
    nodes = pool(PlayedEndpoint("a", None), PlayedEndpoint("b", DOWN))
    for _ in range(3):
        with pytest.raises(NodeUnavailable):
            await nodes._members.all[1].probe()
    assert await anyone(nodes) is False


async def test_anyone__every_node_is_of_another_chain__no_answer() -> None:
    with pytest.raises(WrongChain):
        await anyone(pool(PlayedEndpoint("a", None, chain_id=1)))


def test_pool__no_endpoint_or_more_agreement_than_operators__refused() -> None:
    with pytest.raises(ValueError, match="of 0 operators"):
        pool()
    with pytest.raises(ValueError, match="2 of 1 operators"):
        pool(PlayedEndpoint("a"), PlayedEndpoint("a-2", operator="a"), agreement=2)
