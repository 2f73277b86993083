"""What an operator has decided about nodes of chain 964, in the words of their room. Pure."""

from fleet.chain.heads import HeadPolicy
from fleet.chain.logs import LogPolicy
from fleet.chain.pool import PoolPolicy
from fleet.chain.states import StatePolicy
from fleet.chain.subscription import SocketPolicy
from fleet.chain.throttle import Rate
from fleet.settings import Endpoint, Settings


def rate(endpoint: Endpoint, reserved_percent: int) -> Rate | None:
    """An endpoint's allowance; a rate below one a second becomes one request in a longer time."""
    allowed = endpoint.requests_per_second
    if allowed is None:
        return None
    if allowed < 1:
        return Rate(requests=1, period_s=1 / allowed, reserved_percent=reserved_percent)
    return Rate(requests=int(allowed), reserved_percent=reserved_percent)


def heads(settings: Settings) -> HeadPolicy:
    """How new blocks are waited for; who only pushes them is believed by nobody."""
    evm = settings.evm
    asked = {each.operator for each in evm.endpoints}
    strangers = {each.operator for each in evm.subscriptions} - asked
    return HeadPolicy(
        poll_s=evm.poll_s,
        silence_s_max=evm.subscription_silence_s,
        trusts_pushes=evm.must_agree == 1 and not strangers,
        sockets=SocketPolicy(redial_s=evm.subscription_redial_s),
    )


def pool(settings: Settings) -> PoolPolicy:
    """How many nodes must agree, and when one is in which state."""
    evm = settings.evm
    return PoolPolicy(
        agreement=evm.must_agree,
        hedge_s=evm.hedge_s,
        states=StatePolicy(
            lag_blocks_max=evm.lag_blocks_max,
            sync_blocks_max=evm.sync_blocks_max,
            failures_max=evm.failures_max,
            recheck_s=evm.recheck_s,
        ),
    )


def logs(settings: Settings) -> LogPolicy:
    """How far back logs may be asked."""
    evm = settings.evm
    return LogPolicy(
        horizon_blocks=evm.log_horizon_blocks, range_blocks_max=evm.log_range_blocks_max
    )
