from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from fleet.store.engine import Database
from fleet.store.lease import Claim, acquire
from fleet.store.outbox import StoredOutbox
from fleet.store.tables import outbox, warning_watches
from fleet.store.warnings import StoredWarnings
from fleet.transactions.journal import Fenced
from keepers.liquidation.positions import PositionKey
from keepers.warnings.alerts import Alert, AlertKind, Severity
from keepers.warnings.observation import (
    UnknownWatch,
    WarningChange,
    WarningState,
    applied,
)
from keepers.warnings.tiers import Stage, TierWatch, Watch
from tests.unit.fleet.store.test_lease import FIRST, SECOND, expire
from units import BlockHash, BlockNumber, Bps, Head, Netuid, PositionId, Sequence, Timestamp


def head(number: int) -> Head:
    return Head(
        number=BlockNumber(number),
        hash=BlockHash(f"0x{number:064x}"),
        parent_hash=BlockHash(f"0x{number - 1:064x}"),
        time=Timestamp(1_700_000_000 + 12 * number),
    )


def key(number: int, sequence: int = 1) -> PositionKey:
    return PositionKey(id=PositionId(number.to_bytes(16, "big")), sequence=Sequence(sequence))


def alert(id_: str, severity: Severity = Severity.NOTIFY) -> Alert:
    return Alert(
        id=id_,
        kind=AlertKind.FELL,
        severity=severity,
        block=BlockNumber(3),
        time=Timestamp(1_700_000_036),
        title="title",
        text=f"text of {id_}",
        key=key(1),
    )


NOTHING = WarningChange(
    head=None,
    watches={},
    departed={},
    gone=frozenset(),
    unknowns={},
    is_digest_sent=False,
    collected=(),
    alerts=(),
)
WATCH: Watch = (
    TierWatch(tier_bps=Bps(3500), stage=Stage.SPENT, episode=2),
    TierWatch(tier_bps=Bps(2500), stage=Stage.REACHED, is_found=True),
    TierWatch(tier_bps=Bps(2000), stage=Stage.ARMED, below_since=BlockNumber(7)),
)


async def test_load__new_store__empty_state(database: Database) -> None:
    assert await StoredWarnings(database).load() == WarningState()


async def test_commit__everything__comes_back_as_it_went_in(database: Database) -> None:
    change = replace(
        NOTHING,
        head=head(3),
        watches={key(1): WATCH, key(2, 5): WATCH[:1]},
        unknowns={
            Netuid(8): UnknownWatch(since=BlockNumber(2)),
            None: UnknownWatch(since=BlockNumber(1), is_alerted=True),
        },
        collected=(alert("x", Severity.DIGEST), alert("y", Severity.DIGEST)),
    )

    await StoredWarnings(database).commit(change)

    assert await StoredWarnings(database).load() == applied(WarningState(), change)


async def test_commit__position_gone__only_its_rows_leave(database: Database) -> None:
    store = StoredWarnings(database)
    await store.commit(replace(NOTHING, watches={key(1): WATCH, key(1, 2): WATCH}))

    await store.commit(replace(NOTHING, gone=frozenset({key(1)})))

    assert list((await store.load()).watches) == [key(1, 2)]


async def test_commit__alerts__in_the_outbox_once(database: Database) -> None:
    store = StoredWarnings(database)

    first = await store.commit(replace(NOTHING, alerts=(alert("a"),)))
    second = await store.commit(replace(NOTHING, alerts=(alert("a"), alert("b"))))

    assert (sorted(first), sorted(second)) == (["a"], ["b"])
    pending = await StoredOutbox(database).pending("log", frozenset({"notify"}), Timestamp(0), 10)
    assert [(p.message.id, p.message.body) for p in pending] == [
        ("a", "text of a"),
        ("b", "text of b"),
    ]


async def test_commit__fails_at_the_last_moment__neither_state_nor_alerts(
    database: Database,
) -> None:
    @dataclass(frozen=True)
    class Unstorable:
        id: str = "a"

        @property
        def severity(self) -> Severity:
            raise OSError("no space left on device")

    broken: Alert = Unstorable()  # type: ignore[assignment]  # an alert that cannot be written
    change = replace(NOTHING, head=head(3), watches={key(1): WATCH}, alerts=(alert("b"), broken))

    with pytest.raises(OSError, match="no space"):
        await StoredWarnings(database).commit(change)

    assert await StoredWarnings(database).load() == WarningState()
    async with database.reading() as connection:
        for table in (outbox, warning_watches):
            count = select(func.count()).select_from(table)
            assert (await connection.execute(count)).scalar_one() == 0


async def test_commit__somebody_else_tells_people_by_now__is_fenced_and_nothing_is_kept(
    database: Database,
) -> None:
    claim = Claim(name="warnings", account=None)
    (mine,) = await acquire(database, claim, process=FIRST, ttl_s=15)
    await StoredWarnings(database, mine).commit(replace(NOTHING, alerts=(alert("a"),)))
    await expire(database)
    (theirs,) = await acquire(database, claim, process=SECOND, ttl_s=15)

    with pytest.raises(Fenced, match="the workload warnings was taken over by process 22 on beta"):
        await StoredWarnings(database, mine).commit(replace(NOTHING, alerts=(alert("b"),)))

    new = await StoredWarnings(database, theirs).commit(replace(NOTHING, alerts=(alert("b"),)))
    assert new == {"b"}


keys = st.builds(key, st.integers(1, 3), st.integers(1, 2))
watches = st.lists(
    st.builds(
        TierWatch,
        tier_bps=st.sampled_from([3500, 2500, 2000]).map(Bps),
        stage=st.sampled_from(Stage),
        episode=st.integers(1, 9),
        below_since=st.one_of(st.none(), st.integers(0, 10**9).map(BlockNumber)),
        is_found=st.booleans(),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda tier: tier.tier_bps,
).map(lambda tiers: tuple(sorted(tiers, key=lambda tier: -tier.tier_bps)))


@st.composite
def changes(draw: st.DrawFn) -> WarningChange:
    moved = draw(st.dictionaries(keys, watches, max_size=4))
    number = draw(st.integers(0, 10**9))
    return WarningChange(
        head=draw(st.sampled_from([None, head(number)])),
        watches=moved,
        departed={},
        gone=draw(st.frozensets(keys, max_size=3)) - set(moved),
        unknowns=draw(
            st.dictionaries(
                st.one_of(st.none(), st.integers(0, 200).map(Netuid)),
                st.builds(UnknownWatch, since=st.integers(0, 99).map(BlockNumber)),
                max_size=3,
            )
        ),
        is_digest_sent=draw(st.booleans()),
        collected=(alert(f"digest-{number}", Severity.DIGEST),),
        alerts=(),
    )


@settings(
    deadline=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(changes(), max_size=4, unique_by=lambda change: change.collected[0].id))
async def test_commit__any_changes__the_store_holds_what_memory_holds(
    database: Database, history: list[WarningChange]
) -> None:
    store = StoredWarnings(database)
    state = await store.load()
    await store.commit(replace(NOTHING, gone=frozenset(state.watches), is_digest_sent=True))
    state = WarningState()

    for change in history:
        await store.commit(change)
        state = applied(state, change)
        assert await store.load() == state
