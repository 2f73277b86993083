"""How many operators stand behind what is decided, for doctor and status. Pure."""

from collections.abc import Iterator, Mapping

from fleet.cli.doctor import Check, Verdict
from fleet.settings import EvmSettings, Settings
from fleet.wiring.facts import NodeFacts, Unread

_SUBJECT = "nodes: agreement"


def agreement_text(evm: EvmSettings) -> str:
    """Whose word is believed."""
    if evm.operators == 1:
        return f"single source: {evm.endpoints[0].operator}"
    return f"{evm.must_agree} of {evm.operators} operators must agree"


def states_text(states: Mapping[str, str | None]) -> str:
    """Each node with its state."""
    return ", ".join(f"{name} {state or 'not asked yet'}" for name, state in states.items())


def agreement_checks(
    nodes: Mapping[str, NodeFacts | Unread], settings: Settings
) -> Iterator[Check]:
    """Whether enough operators answer for anything to be decided, and which of them lag."""
    evm = settings.evm
    heads = {name: facts for name, facts in nodes.items() if isinstance(facts, NodeFacts)}
    yield _agreement(settings, heads)
    newest = max((facts.head for facts in heads.values()), default=0)
    for name, facts in heads.items():
        behind = newest - facts.head
        if behind > evm.lag_blocks_max:
            state = "out of sync" if behind > evm.sync_blocks_max else "lagging"
            yield Check(
                subject=f"node {name}: head",
                verdict=Verdict.FAILED,
                found=f"{state}: {behind} blocks behind the others",
                remedy="ask its operator; until it is back the others are asked first",
            )


def _agreement(settings: Settings, heads: Mapping[str, NodeFacts]) -> Check:
    evm, text = settings.evm, agreement_text(settings.evm)
    named = zip(evm.names, evm.endpoints, strict=True)
    well = {
        each.operator
        for name, each in named
        if name in heads and heads[name].chain_id == settings.network.chain_id
    }
    if evm.operators == 1:
        remedy = "its word is believed: add evm.endpoints of other operators"
        return Check(subject=_SUBJECT, verdict=Verdict.NOTED, found=text, remedy=remedy)
    if len(well) < evm.must_agree:
        found = f"{text}, and {len(well)} can be had"
        remedy = "nothing is decided until more of them answer"
        return Check(subject=_SUBJECT, verdict=Verdict.FAILED, found=found, remedy=remedy)
    return Check(subject=_SUBJECT, verdict=Verdict.PASSED, found=f"{text}, {len(well)} can be had")
