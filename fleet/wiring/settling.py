"""Waits until what was sent has its outcome: a one-shot does, and a process before it ends."""

from collections.abc import AsyncIterator

from fleet.chain.failures import ChainError
from fleet.chain.node import Node
from fleet.runtime.clock import Clock
from fleet.transactions.request import Settled
from fleet.transactions.sender import Sender
from fleet.wiring.bots import Crew, settle


async def settle_all(
    crew: Crew, sender: Sender, node: Node, *, clock: Clock, poll_s: float
) -> AsyncIterator[Settled]:
    """The outcome of everything in flight as it becomes known; ends when nothing is.

    A node that does not answer is asked again at the next poll: the caller sets the limit.
    """
    while True:
        try:
            outcomes = await settle(crew, sender, await node.head())
        except ChainError:
            await clock.sleep(poll_s)
            continue
        for settled in outcomes.settled:
            yield settled
        if not is_anything_in_flight(sender):
            return
        await clock.sleep(poll_s)


def is_anything_in_flight(sender: Sender) -> bool:
    """Whether an outcome is still to come. What the journal holds unread counts as such."""
    status = sender.status
    return status is None or any(status.in_flight.values())
