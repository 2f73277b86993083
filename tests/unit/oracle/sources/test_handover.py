import asyncio
import threading

from oracle.sources.handover import LatestWins


async def test_take__values_left_by_a_thread__are_taken_in_order_and_the_last_is_never_lost() -> (
    None
):
    place = LatestWins[int]()

    def put_all() -> None:
        for number in range(20_000):
            place.put(number)

    thread = threading.Thread(target=put_all)
    thread.start()
    taken = [await place.take()]
    while taken[-1] != 19_999:
        taken.append(await place.take())
    await asyncio.to_thread(thread.join)
    assert taken == sorted(set(taken))


async def test_take__a_slow_reader__gets_the_newest_only() -> None:
    place = LatestWins[int]()
    for number in range(5):
        place.put(number)
    assert await place.take() == 4


async def test_put__the_loop_is_closed__is_harmless() -> None:
    loop = asyncio.new_event_loop()

    async def made() -> LatestWins[int]:
        return LatestWins[int]()

    place = await asyncio.to_thread(loop.run_until_complete, made())
    loop.close()
    place.put(1)


async def test_take__falsy_values__are_values() -> None:
    place = LatestWins[object]()
    place.put(None)
    assert await place.take() is None
