"""What an operator has promised of every market's feed, for the referee. Pure."""

from devnet.audit.feed import Promise
from devnet.audit.stakes import Stakes
from fleet.settings import Settings
from units import ONE, Netuid, Wei


def promises(settings: Settings) -> dict[Netuid, Promise]:
    """By market."""
    configured = {market.netuid: settings.oracle_of(market) for market in settings.markets}
    return {
        netuid: Promise(
            band=oracle.deviation_bps,
            guard_limit=oracle.jump_limit_bps,
            confirm_blocks=oracle.jump_confirm_blocks,
            restart_blocks=oracle.jump_restart_blocks,
            heartbeat_s=oracle.heartbeat_s,
            early_percent=oracle.early_percent,
            stakes=_stakes(settings),
        )
        for netuid, oracle in configured.items()
    }


def dust_of(settings: Settings) -> Wei:
    """What is worth no gas to liquidate early, in wei of notional."""
    return Wei(settings.liquidation.dust_tao * ONE)


def _stakes(settings: Settings) -> Stakes:
    gas = settings.liquidation.gas
    return Stakes(
        pushes_hour_max=settings.oracle.risk_pushes_hour_max,
        shortfall_ppm=settings.oracle.risk_shortfall_ppm,
        dust=dust_of(settings),
        push_gas=gas.intercept + gas.update_slope,
    )
