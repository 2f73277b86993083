from oracle.feed import SuspensionReason
from tests.unit.fleet.cli.conftest import Console
from tests.unit.fleet.cli.simulated import SimulatedFleet
from tests.unit.fleet.cli.test_oracle import priced
from units import Netuid

VANTA, CHUTES = Netuid(8), Netuid(64)


def in_order(fleet: SimulatedFleet) -> SimulatedFleet:
    for netuid in (VANTA, CHUTES):
        priced(fleet, netuid)
    fleet.source.finalized_at = 998
    return fleet


def test_status__all_in_order__is_one_page(keepers: Console, fleet: SimulatedFleet) -> None:
    in_order(fleet).exchange.grow(lambda block: block.open(8, is_long=True, size=10**18, number=1))

    ended = keepers("status")

    assert ended.code == 0
    assert "devnet: block 1001, finalized 998" in ended.stdout
    assert "0.100000000" in ended.stdout
    assert "vault: reserves 1000.0000 TAO, insurance 1.0000" in ended.stdout
    assert "attention" not in ended.stdout


def test_status__positions__are_counted_by_market_not_listed(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    exchange = in_order(fleet).exchange
    exchange.grow(lambda block: block.open(8, is_long=True, size=10**18, number=1))
    exchange.grow(lambda block: block.open(8, is_long=False, size=10**18, number=2))
    exchange.grow(lambda block: block.push(8, 8 * 10**16))

    ended = keepers("status", "--json")

    assert ended.json["status"]["risk"]["markets"]["8"] == {
        "kind": "MarketTally",
        "open": 2,
        "below": 1,
        "unknown": None,
    }


def test_status__things_out_of_order__each_is_a_line_and_the_end_is_unhealthy(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    in_order(fleet)
    fleet.feed.land_suspension([CHUTES], SuspensionReason.JUMP)
    fleet.feed.advance_to(180)
    fleet.source.finalized_at = 900
    fleet.exchange.down.add("snapshot")
    fleet.funding_rows.elapsed = {8: 30_000}
    fleet.is_opening_paused = True

    ended = keepers("status")

    assert ended.code == 3
    assert [line for line in ended.stdout.splitlines() if line.startswith("attention")] == [
        "attention: finality is 100 blocks behind",
        "attention: VANTA: the price is 16 min 36 s old, too old to trade at",
        "attention: CHUTES: suspended: jump (block 100)",
        "attention: no position can be judged: snapshot is down",
        "attention: funding is late: VANTA",
        "attention: opening of positions is paused",
    ]


def test_status__sources_down__is_not_taken_for_calm(
    keepers: Console, fleet: SimulatedFleet
) -> None:
    fleet.source.outage = "connection refused"
    fleet.feed.is_unreadable = True
    fleet.funding_rows.outage = "the node is away"

    ended = keepers("status", "--json")

    assert ended.code == 3
    assert ended.json["faults"] == [
        "no finalized Subtensor block: connection refused",
        "the feed could not be read: the node is away",
        "funding could not be read: the node is away",
    ]
    feed = ended.json["status"]["feed"]
    assert (feed["kind"], feed["detail"]) == ("Unavailable", "the node is away")


def test_status__no_node_answers__is_one_line(keepers: Console, fleet: SimulatedFleet) -> None:
    fleet.outage = "anvil: connection refused"

    ended = keepers("status")

    assert ended.code == 1
    assert ended.stderr == "error: anvil: connection refused\n"
    assert ended.stdout == ""
