"""One connection: its subscriptions and its part in the lock-step. Knows no WebSocket library."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from devnet.standin.jsonrpc import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    Params,
    RpcError,
    notification,
)
from devnet.standin.lockstep import (
    AlreadyJoinedError,
    LockStep,
    NotJoinedError,
    Participant,
    ParticipantKind,
)
from devnet.standin.methods import ReadMethods
from devnet.standin.node import Node
from units import BlockNumber


class Topic(StrEnum):
    """What can be subscribed to; the text is the method of its notifications."""

    BEST = "chain_newHead"
    ALL = "chain_allHead"
    FINALIZED = "chain_finalizedHead"
    RUNTIME = "state_runtimeVersion"


_SUBSCRIBE = {
    "chain_subscribeNewHeads": Topic.BEST,
    "chain_subscribeNewHead": Topic.BEST,
    "subscribe_newHead": Topic.BEST,
    "chain_subscribeAllHeads": Topic.ALL,
    "chain_subscribeFinalizedHeads": Topic.FINALIZED,
    "chain_subscribeFinalisedHeads": Topic.FINALIZED,
    "state_subscribeRuntimeVersion": Topic.RUNTIME,
    "chain_subscribeRuntimeVersion": Topic.RUNTIME,
}


def _unsubscribing(method: str) -> str:
    return method.replace("subscribe", "unsubscribe")


_UNSUBSCRIBE = {_unsubscribing(method): topic for method, topic in _SUBSCRIBE.items()}


class Session:
    """Answers one connection's calls and tells it what it has subscribed to.

    `send` hands over one message without waiting. A new subscription is told the present state
    first, after the answer that carries its id: the connection calls `activate` then.
    """

    def __init__(
        self, *, node: Node, reads: ReadMethods, lock_step: LockStep, send: Callable[[str], None]
    ) -> None:
        self._node = node
        self._reads = reads
        self._lock_step = lock_step
        self._send = send
        self._subscriptions: dict[str, Topic] = {}
        self._new: list[str] = []
        self._count = 0

    def call(self, method: str, params: Params) -> Any:
        """The result of one call; raises RpcError."""
        read = self._reads.table.get(method)
        if read is not None:
            return read(params)
        if method in _SUBSCRIBE:
            return self._subscribe(_SUBSCRIBE[method])
        if method in _UNSUBSCRIBE:
            return self._unsubscribe(_UNSUBSCRIBE[method], params.text(0, "subscription"))
        own = {
            "rpc_methods": self._methods,
            "devnet_join": self._join,
            "devnet_finished": self._finished,
        }
        if method not in own:
            raise RpcError(METHOD_NOT_FOUND, "Method not found")
        return own[method](params)

    def activate(self) -> None:
        """Tell new subscriptions the present state; from now on they hear every change."""
        for subscription in self._new:
            self._notify(subscription, self._subscriptions[subscription])
        self._new.clear()

    def publish(self, topic: Topic) -> None:
        """Tell this connection's subscriptions to a topic what it is now."""
        for subscription, subscribed in self._subscriptions.items():
            if subscribed is topic and subscription not in self._new:
                self._notify(subscription, topic)

    def close(self) -> None:
        """The connection is gone."""
        self._subscriptions.clear()
        self._lock_step.leave(self)

    def _subscribe(self, topic: Topic) -> str:
        self._count += 1
        subscription = f"{topic}-{self._count}"
        self._subscriptions[subscription] = topic
        self._new.append(subscription)
        return subscription

    def _unsubscribe(self, topic: Topic, subscription: str) -> bool:
        if self._subscriptions.get(subscription) is not topic:
            return False
        del self._subscriptions[subscription]
        if subscription in self._new:
            self._new.remove(subscription)
        return True

    def _notify(self, subscription: str, topic: Topic) -> None:
        if topic is Topic.RUNTIME:
            result = self._node.profile_at(self._node.best).version()
        else:
            is_final = topic is Topic.FINALIZED
            result = self._reads.header_json(self._node.finalized if is_final else self._node.best)
        self._send(notification(topic, {"subscription": subscription, "result": result}))

    def _methods(self, _: Params) -> dict[str, list[str]]:
        own = ("rpc_methods", "devnet_join", "devnet_finished")
        return {"methods": sorted((*self._reads.table, *_SUBSCRIBE, *_UNSUBSCRIBE, *own))}

    def _join(self, params: Params) -> bool:
        kind = params.text(1, "kind")
        if kind not in set(ParticipantKind):
            raise RpcError(INVALID_PARAMS, "Invalid params: kind is not head or finalized")
        participant = Participant(
            name=params.text(0, "name"),
            kind=ParticipantKind(kind),
            order=params.integer(2, "order"),
        )
        try:
            self._lock_step.join(participant, owner=self, release=self._released)
        except AlreadyJoinedError:
            raise RpcError(INVALID_PARAMS, f"{participant.name} has joined already") from None
        return True

    def _released(self, name: str, block: BlockNumber) -> None:
        self._send(notification("devnet_released", {"name": name, "block": block}))

    def _finished(self, params: Params) -> bool:
        name = params.text(0, "name")
        block = BlockNumber(params.integer(1, "block"))
        try:
            self._lock_step.finished(name, block, owner=self)
        except NotJoinedError:
            raise RpcError(INVALID_PARAMS, f"{name} has not joined on this connection") from None
        return True
