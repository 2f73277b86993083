import json

import pytest

from devnet.standin.jsonrpc import Params, RpcError
from devnet.standin.lockstep import LockStep
from devnet.standin.methods import ReadMethods
from devnet.standin.node import Node
from devnet.standin.runtime import RuntimeProfile
from devnet.standin.session import Session, Topic
from devnet.synthetic_tape import synthetic_tape
from units import BlockNumber


class Peer:
    """A session and what its client was told."""

    def __init__(self) -> None:
        tape = synthetic_tape(1, rows=10)
        self.node = Node(
            tape=tape,
            start=BlockNumber(tape.first_block + 50),
            runtime=RuntimeProfile.synthetic(),
            finality_lag=2,
        )
        self.told: list[str] = []
        self.lock_step = LockStep(publish=lambda _: False)
        self.session = Session(
            node=self.node,
            reads=ReadMethods(self.node),
            lock_step=self.lock_step,
            send=self.told.append,
        )

    def heads(self) -> list[int]:
        return [int(json.loads(text)["params"]["result"]["number"], 16) for text in self.told]

    def subscribe(self, method: str) -> str:
        subscription: str = self.session.call(method, Params([]))
        return subscription


def test_subscription__published_before_its_answer_is_sent__told_once_and_of_the_newest() -> None:
    peer = Peer()
    peer.subscribe("chain_subscribeNewHeads")
    peer.node.import_block(BlockNumber(peer.node.best + 1))
    peer.session.publish(Topic.BEST)
    assert peer.told == []
    peer.session.activate()
    assert peer.heads() == [peer.node.best]


def test_subscription__ended_before_its_answer_is_sent__told_nothing() -> None:
    peer = Peer()
    subscription = peer.subscribe("chain_subscribeFinalizedHeads")
    assert peer.session.call("chain_unsubscribeFinalizedHeads", Params([subscription])) is True
    peer.session.activate()
    assert peer.told == []


def test_publish__several_subscriptions__each_told_under_its_own_id() -> None:
    peer = Peer()
    ids = {peer.subscribe("chain_subscribeFinalizedHeads") for _ in range(2)}
    peer.subscribe("chain_subscribeNewHeads")
    peer.session.activate()
    peer.told.clear()
    peer.session.publish(Topic.FINALIZED)
    assert {json.loads(text)["params"]["subscription"] for text in peer.told} == ids


def test_close__of_a_participant__leaves_the_lock_step() -> None:
    peer = Peer()
    join = Params({"name": "feeder", "kind": "finalized", "order": 10})
    assert peer.session.call("devnet_join", join) is True
    peer.session.close()
    assert peer.lock_step.participants == ()
    with pytest.raises(RpcError, match="has not joined"):
        peer.session.call("devnet_finished", Params({"name": "feeder", "block": 1}))
