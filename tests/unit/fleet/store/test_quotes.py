"""What was read is kept once a block, and for as long as the policy says."""

from fleet.store.engine import Database
from fleet.store.quotes import Quote, Said, keep_quotes, prune_quotes, read_quotes
from units import BlockHash, BlockNumber, Netuid, Rao, Seconds, Timestamp


def quote(block: int, rao: int = 2**70) -> Quote:
    return Quote(
        block=BlockNumber(block),
        hash=BlockHash("0x" + f"{block:064x}"),
        time=Timestamp(12 * block),
        prices={Netuid(8): Rao(rao), Netuid(64): Rao(1)},
        said={
            "a": Said(standing="agrees"),
            "b": Said(
                standing="disagrees", hash=BlockHash("0xab"), prices={Netuid(8): Rao(rao + 1)}
            ),
        },
        verdicts={Netuid(8): "accepted", Netuid(64): "held: a jump"},
    )


async def test_quotes__kept__are_read_back_whole(database: Database) -> None:
    await keep_quotes(database, [quote(1), quote(2)])
    blocks = [BlockNumber(number) for number in (1, 3)]
    assert await read_quotes(database, blocks) == {1: quote(1)}
    assert await read_quotes(database, []) == {}


async def test_quotes__the_same_block_again__the_first_stays(database: Database) -> None:
    await keep_quotes(database, [quote(1), quote(1, rao=7)])
    await keep_quotes(database, [quote(1, rao=8), quote(2)])
    blocks = [BlockNumber(number) for number in (1, 2)]
    assert await read_quotes(database, blocks) == {1: quote(1), 2: quote(2)}


async def test_prune__older_than_kept__goes(database: Database) -> None:
    assert await prune_quotes(database, Seconds(12)) == 0
    await keep_quotes(database, [quote(number) for number in range(1, 5)])
    assert await prune_quotes(database, Seconds(12)) == 2
    left = await read_quotes(database, [BlockNumber(number) for number in range(1, 5)])
    assert sorted(left) == [3, 4]
