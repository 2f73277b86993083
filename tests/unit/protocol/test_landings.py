"""When a push landed: only of the head block, and only while the feed's row is that push's."""

from keepers.liquidation.positions import BlockEvents, MarketResumed, PricePushed
from oracle.feed import FeedRowView, SuspensionReason
from protocol.landings import Landings
from units import BlockHash, BlockNumber, Head, Netuid, PriceWei, Timestamp


def head(number: int) -> Head:
    return Head(
        number=BlockNumber(number),
        hash=BlockHash(f"0x{number:064x}"),
        parent_hash=BlockHash(f"0x{number - 1:064x}"),
        time=Timestamp(12 * number),
    )


def block(number: int, *pushes: tuple[int, int]) -> BlockEvents:
    """A block with pushes of (netuid, source block) among other events."""
    events = tuple(
        PricePushed(
            netuid=Netuid(netuid),
            price=PriceWei(1),
            source_block=BlockNumber(source_block),
            source_time=Timestamp(12 * source_block),
        )
        for netuid, source_block in pushes
    )
    resumed = MarketResumed(netuid=Netuid(8))
    return BlockEvents(
        number=BlockNumber(number), hash=head(number).hash, events=(resumed, *events)
    )


def row(source_block: int) -> FeedRowView:
    return FeedRowView(
        price=PriceWei(1),
        source_block=BlockNumber(source_block),
        source_time=Timestamp(12 * source_block),
        landed_time=None,
        suspended_at=BlockNumber(0),
        suspension=SuspensionReason.NONE,
    )


def dated(landings: Landings, **rows: int) -> dict[int, int | None]:
    """The landing times of rows by their source blocks, netuids written as n8."""
    asked = {Netuid(int(name[1:])): row(source) for name, source in rows.items()}
    return {netuid: found.landed_time for netuid, found in landings.dated(asked).items()}


def test_dated__nothing_seen__is_unknown() -> None:
    assert dated(Landings(), n8=98, n64=0) == {8: None, 64: None}


def test_dated__pushes_of_the_head_block__landed_at_its_time() -> None:
    landings = Landings()
    landings.note([block(100, (8, 98), (64, 97))], head(100))
    assert dated(landings, n8=98, n64=97, n3=98) == {8: 1_200, 64: 1_200, 3: None}


def test_dated__pushes_of_earlier_blocks__are_unknown() -> None:
    landings = Landings()
    landings.note([block(99, (8, 97)), block(100, (64, 98))], head(100))
    assert dated(landings, n8=97, n64=98) == {8: None, 64: 1_200}


def test_dated__another_push_than_the_row_s__is_unknown() -> None:
    landings = Landings()
    landings.note([block(100, (8, 98))], head(100))
    assert dated(landings, n8=97) == {8: None}
    assert dated(landings, n8=99) == {8: None}


def test_dated__a_block_of_the_head_s_height_on_another_fork__is_unknown() -> None:
    landings = Landings()
    forked = BlockEvents(
        number=BlockNumber(100), hash=BlockHash("0xf0"), events=block(100, (8, 98)).events
    )
    landings.note([forked], head(100))
    assert dated(landings, n8=98) == {8: None}


def test_dated__rest_of_the_row__stays_as_it_was() -> None:
    landings = Landings()
    landings.note([block(100, (8, 98))], head(100))
    (found,) = landings.dated({Netuid(8): row(98)}).values()
    assert (found.price, found.source_block, found.source_time) == (1, 98, 12 * 98)
