"""Plans that are worth having by name."""

from devnet.faults.faults import (
    Cut,
    Lag,
    Limited,
    Silence,
    Stale,
    TooManyRequests,
    Truncated,
    Twice,
)
from devnet.faults.plan import Plan, Rule

_SEND = frozenset({"eth_sendRawTransaction"})
_LATE_SECONDS = 0.6


def bad_network(seed: int) -> Plan:
    """Everything at once: about every fourth answer is missing, mutilated, late or old.

    No rule strikes always, so whoever tries again gets through.
    """
    return Plan(
        seed=seed,
        rules=(
            Rule(fault=Silence(is_forwarded=True), probability=0.15, methods=_SEND),
            Rule(fault=Silence(is_forwarded=False), probability=0.1, methods=_SEND),
            Rule(
                fault=Lag(seconds=_LATE_SECONDS, is_sent_late=True), probability=0.1, methods=_SEND
            ),
            Rule(fault=Twice(), probability=0.1, methods=_SEND),
            Rule(fault=Cut(), probability=0.04),
            Rule(fault=Truncated(), probability=0.04),
            Rule(fault=TooManyRequests(), probability=0.03),
            Rule(fault=Limited(), probability=0.03),
            Rule(fault=Stale(blocks=2), probability=0.1),
        ),
    )
