"""Opens everything that a fleet stands on, for the length of a command or a daemon."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress

import structlog

from fleet.chain.failures import NodeUnavailable
from fleet.chain.node import Node
from fleet.runtime.clock import SystemClock
from fleet.settings import Settings, Workload
from fleet.store.lease import Claim
from fleet.store.server import StoreAway
from fleet.transactions.sender import Sender
from fleet.transactions.signer import Signer
from fleet.wiring import connections, policies
from fleet.wiring.assembly import Assembly
from fleet.wiring.memory import WARNINGS, Memory, RememberedJournal
from fleet.wiring.node_lines import NodeLines
from fleet.wiring.signing import open_signer
from fleet.wiring.speaking import speak
from fleet.wiring.tenure import Tenure
from protocol.abi import describe_revert
from protocol.effects import ExchangeEffects

_log = structlog.stdlib.get_logger("fleet")


@asynccontextmanager
async def assemble(settings: Settings, workload: Workload | None) -> AsyncIterator[Assembly]:
    """Builds the fleet for a workload's key and closes everything at the end.

    No node needs to answer for it: what could not be read is read when it is wanted.

    Raises:
        SettingsError: a key or another secret can't be read.
        StoreError: there is a key, and its journal can't be opened or is of another world.
        ExceptionGroup: there is a key; with what the block raised, or with Fenced when another
            process took the key over meanwhile.
    """
    speak(settings)
    async with AsyncExitStack() as closing:
        node = await closing.enter_async_context(connections.open_node(settings))
        node.listen(NodeLines())
        source = await closing.enter_async_context(connections.open_source(settings, _report))
        memory = Memory(settings=settings, node=node, clock=SystemClock(), closing=closing)
        signer = await open_signer(settings, workload, closing)
        tenure = await _tenure(settings, _claims(settings, workload, signer), memory)
        assembly = Assembly(
            settings=settings,
            node=node,
            source=source,
            memory=memory,
            sender=_sender(settings, node, signer, memory, tenure),
            workload=workload,
            tenure=tenure,
        )
        async with nullcontext() if tenure is None else tenure.kept():
            yield assembly


def _claims(
    settings: Settings, workload: Workload | None, signer: Signer | None
) -> tuple[Claim, ...]:
    """The key's workload, and telling people where the warnings may be among the bots."""
    told = (Claim(name=WARNINGS, account=None),) if workload in {None, Workload.ALL} else ()
    if signer is None or workload is None:
        return told
    name = policies.workload_name(settings, workload)
    return (Claim(name=name, account=signer.address), *told)


async def _tenure(settings: Settings, claims: tuple[Claim, ...], memory: Memory) -> Tenure | None:
    if not claims:
        return None
    if any(claim.account is not None for claim in claims):
        with suppress(NodeUnavailable, StoreAway):  # one that is of no use is to be known at once
            await memory.database()
    return Tenure(
        opened=memory.database,
        claims=claims,
        ttl_s=settings.runtime.lease_s,
        clock=SystemClock(),
    )


def _sender(
    settings: Settings,
    node: Node,
    signer: Signer | None,
    memory: Memory,
    tenure: Tenure | None,
) -> Sender | None:
    if signer is None or tenure is None:
        return None
    return Sender(
        chain=node,
        signer=signer,
        journal=RememberedJournal(memory, tenure),
        chain_id=settings.network.chain_id,
        decode_revert=describe_revert,
        judge=ExchangeEffects(),
        policy=policies.sender(settings),
    )


def _report(operator: str, line: str) -> None:
    _log.warning("subtensor", operator=operator, detail=line)
