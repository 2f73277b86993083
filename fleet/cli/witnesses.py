"""How many operators stand behind what is decided, for doctor and status. Pure."""

from collections.abc import Collection, Iterator, Mapping

from fleet.cli.doctor import Check, Verdict
from fleet.settings import Settings, Witnesses
from fleet.wiring.facts import NodeFacts, SourceFacts, Unread

SINGLE = "single-source"


def agreement_text(asked: Witnesses) -> str:
    """Whose word is believed."""
    if asked.operators == 1:
        return f"{SINGLE}: {asked.endpoints[0].operator}"
    return f"{asked.must_agree} of {asked.operators} operators must agree"


def states_text(states: Mapping[str, str | None]) -> str:
    """Each node with its state."""
    return ", ".join(f"{name} {state or 'not asked yet'}" for name, state in states.items())


def agreement_checks(
    nodes: Mapping[str, NodeFacts | Unread], settings: Settings
) -> Iterator[Check]:
    """Whether enough operators answer for anything to be decided, and which of them lag."""
    evm = settings.evm
    heads = {name: facts for name, facts in nodes.items() if isinstance(facts, NodeFacts)}
    right = [n for n, facts in heads.items() if facts.chain_id == settings.network.chain_id]
    yield _agreement("nodes", "evm", evm, right)
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


def source_agreement_check(
    sources: Mapping[str, SourceFacts | Unread], settings: Settings
) -> Check:
    """Whether enough operators of Subtensor nodes answer for any price to be believed."""
    genesis = settings.subtensor.genesis
    right = [
        name
        for name, facts in sources.items()
        if isinstance(facts, SourceFacts) and facts.genesis == genesis
    ]
    return _agreement("subtensor", "subtensor", settings.subtensor, right)


def cross_check_check(settings: Settings) -> Check:
    """Whether the Alpha precompile is asked of somebody else than the prices are."""
    subject, asked = "cross-check", settings.oracle.cross_check_markets_max
    if not asked:
        remedy = "set oracle.cross_check_markets_max"
        return Check(subject=subject, verdict=Verdict.NOTED, found="off", remedy=remedy)
    same = sorted(_operators(settings.evm) & _operators(settings.subtensor))
    found = f"{asked} markets a block by the Alpha precompile"
    if not same:
        return Check(subject=subject, verdict=Verdict.PASSED, found=found)
    found = f"{found}, asked of {', '.join(same)} as the prices are"
    remedy = "through the same provider it is no second source: add endpoints of others"
    return Check(subject=subject, verdict=Verdict.NOTED, found=found, remedy=remedy)


def _operators(asked: Witnesses) -> set[str]:
    return {endpoint.operator for endpoint in asked.endpoints}


def _agreement(what: str, section: str, asked: Witnesses, right: Collection[str]) -> Check:
    text, subject = agreement_text(asked), f"{what}: agreement"
    named = zip(asked.names, asked.endpoints, strict=True)
    well = {each.operator for name, each in named if name in right}
    if asked.operators == 1:
        remedy = f"its word is believed: add {section}.endpoints of other operators"
        return Check(subject=subject, verdict=Verdict.NOTED, found=text, remedy=remedy)
    if len(well) < asked.must_agree:
        found = f"{text}, and {len(well)} can be had"
        remedy = "nothing is decided until more of them answer"
        return Check(subject=subject, verdict=Verdict.FAILED, found=found, remedy=remedy)
    return Check(subject=subject, verdict=Verdict.PASSED, found=f"{text}, {len(well)} can be had")
