"""Who must be looked at in a block: whoever changed, or may be in another stretch. Mutable.

Nobody else's watch can move. A watch is a function of how a ratio compares with lines, which is
the same all over a stretch, and of the block number only while a tier waits for more blocks
(`is_restless`). So a position that was looked at, that has the same numbers still and is in the
stretch in which it was found, and whose watch waits for nothing, has that watch still. A ratio that
has become unknown moves only a watch that waits. `flank.py` proves that nobody who leaves a stretch
is missed.

What is looked at counts only once it is settled: as long as nothing was stored, the next survey
asks for the same again. Meanwhile no version of the book is held but the newest one that was seen:
of the others it is enough to know who changed. Pure.
"""

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Final

from keepers.liquidation.assessment import JudgedAt, PositionRisk, judged_at, risk_of
from keepers.liquidation.book import Book
from keepers.liquidation.lineup import Sorting
from keepers.liquidation.packing import key_of
from keepers.liquidation.positions import Position, PositionKey
from keepers.liquidation.standing import Terms, Unknown
from keepers.liquidation.versions import Positions
from keepers.warnings.flank import Flank
from keepers.warnings.stretches import Stretch, Stretches
from keepers.warnings.survey import Survey, UnknownRisk
from keepers.warnings.tiers import Watch, is_restless
from units import FundingIndex, Netuid, PositionId

SLICE: Final = 250
"""Positions of one step."""

_NOTED_AT_ONCE: Final = 1_000
_ROW_BITS: Final = 32
_ROW: Final = (1 << _ROW_BITS) - 1


class Vigil:
    """Where everybody was found when last looked at."""

    def __init__(self, lines: Stretches) -> None:
        self._lines = lines
        self.start_over()

    def start_over(self) -> None:
        """Nobody was ever looked at."""
        self._noted: Positions | None = None
        self._changed: dict[PositionId, PositionKey | None] = {}  # and who was open when settled
        self._flanks: list[Flank] = []
        self._names: dict[tuple[Netuid, bool], int] = {}
        self._seats: dict[PositionId, int] = {}
        self._restless: set[PositionId] = set()
        self._unjudged: dict[Netuid, set[PositionId]] = {}

    def surveying(self, book: Book) -> Generator[None, None, Survey | None]:
        """What `book` shows, in steps of some milliseconds, where there is more than one.

        None: everybody must be looked at, because nothing that was settled leads there.
        """
        if not (yield from self.noting(book.positions)):
            return None
        at, risks = judged_at(book), list[PositionRisk]()
        asked = list({*self._changed, *self._restless, *self._nominated(at)})
        for start in range(0, len(asked), SLICE):
            risks += _risks(asked[start : start + SLICE], book, at)
            if start:
                yield
        return Survey(
            head=book.head,
            markets=book.markets,
            risks=tuple(risks),
            closed=self._closed(risks),
            known=self._known(asked, risks, at),
            unknown=dict(_unknown(book, at)),
        )

    def noting(self, positions: Positions) -> Generator[None, None, bool]:
        """Notes who may stand otherwise in `positions`, in steps of some milliseconds.

        False: nothing that was settled leads there, and so nobody counts as looked at any more.
        Given up half-way, it is to be done again.
        """
        before = None if self._noted is None else positions.records_before(self._noted)
        if before is None:
            self.start_over()
            return False
        for count, (name, record) in enumerate(before.items(), start=1):
            self._note(PositionId(name), record, positions)
            if count % _NOTED_AT_ONCE == 0:
                yield
        self._noted = positions
        return True

    def settling(
        self, positions: Positions, survey: Survey, watches: Mapping[PositionKey, Watch]
    ) -> Generator[None, None, None]:
        """Takes a survey of these positions for done, in steps of some milliseconds.

        Given up half-way, those whose turn did not come are looked at again.

        Args:
            positions: what was surveyed, and nothing was noted since.
            survey: with everybody in it, or what came of `surveying` since the last settling.
            watches: as they stand after it.
        """
        if survey.closed is None:
            self.start_over()
        for key in survey.closed or ():
            self._forget(key.id)
        for start in range(0, len(survey.risks), _NOTED_AT_ONCE):
            some = survey.risks[start : start + _NOTED_AT_ONCE]
            self._restless.update(risk.position.key.id for risk in some)
            if start:
                yield
        self._noted, self._changed = positions, {}
        for count, risk in enumerate(survey.risks, start=1):
            self._take(risk, watches.get(risk.position.key))
            if count % SLICE == 0:
                yield
        if survey.closed is None:
            self._restless = set(self._restless)  # one keeps the room it ever had

    def sortings(self, indices: Mapping[Netuid, FundingIndex]) -> Iterator[Sorting]:
        """The ladders that are to be sorted before a book with such indices is surveyed."""
        for flank in self._flanks:
            yield from flank.sortings(indices[flank.netuid])

    def _note(self, position_id: PositionId, was: bytes | None, positions: Positions) -> None:
        if position_id not in self._changed:
            self._changed[position_id] = None if was is None else key_of(was)
        if self._changed[position_id] is None and positions.table.get(position_id) is None:
            del self._changed[position_id]  # it came and went, and nobody ever looked

    def _closed(self, risks: Iterable[PositionRisk]) -> frozenset[PositionKey]:
        """Whoever was open before and is not now; all that changed are among `risks`, if open."""
        were = {key for key in self._changed.values() if key is not None}
        return frozenset(were - {risk.position.key for risk in risks})

    def _nominated(self, at: Mapping[Netuid, JudgedAt]) -> Iterator[PositionId]:
        """Of the markets that can be judged: whoever may have left, and whoever never was."""
        for flank in self._flanks:
            standing = at[flank.netuid].standing
            if isinstance(standing, Terms):
                yield from flank.leavers(standing)
        for netuid, ids in self._unjudged.items():
            if isinstance(at[netuid].standing, Terms):
                yield from ids

    def _known(
        self,
        asked: Iterable[PositionId],
        risks: Iterable[PositionRisk],
        at: Mapping[Netuid, JudgedAt],
    ) -> Mapping[Stretch, int]:
        """What was counted, with those who are looked at where they are now."""
        counts: Counter[Stretch] = Counter()
        known = {netuid for netuid, each in at.items() if isinstance(each.standing, Terms)}
        for flank in self._flanks:
            if flank.netuid in known:
                counts.update(dict(enumerate(flank.counts)))
        for seat in (self._seats[each] for each in asked if each in self._seats):
            flank, row = self._at(seat)
            if flank.netuid in known:
                counts[flank.stretch(row)] -= 1
        counts.update(self._lines.of(r.ratio_bps) for r in risks if r.ratio_bps is not None)
        return +counts

    def _take(self, risk: PositionRisk, watch: Watch | None) -> None:
        position = risk.position
        self._forget(position.key.id)
        if risk.ratio_bps is None:
            self._unjudged.setdefault(position.netuid, set()).add(position.key.id)
            return
        number = self._flank(position)
        row = self._flanks[number].put(position, self._lines.of(risk.ratio_bps))
        self._seats[position.key.id] = number << _ROW_BITS | row
        if watch is not None and is_restless(watch):
            self._restless.add(position.key.id)

    def _forget(self, position_id: PositionId) -> None:
        seat = self._seats.pop(position_id, None)
        if seat is not None:
            flank, row = self._at(seat)
            flank.drop(row)
        self._restless.discard(position_id)
        for ids in self._unjudged.values():
            ids.discard(position_id)

    def _at(self, seat: int) -> tuple[Flank, int]:
        return self._flanks[seat >> _ROW_BITS], seat & _ROW

    def _flank(self, position: Position) -> int:
        name = position.netuid, position.is_long
        if name not in self._names:
            self._names[name] = len(self._flanks)
            self._flanks.append(Flank(self._lines, position.netuid, is_long=position.is_long))
        return self._names[name]


def _risks(
    asked: Iterable[PositionId], book: Book, at: Mapping[Netuid, JudgedAt]
) -> Iterator[PositionRisk]:
    """Of those among them that are open."""
    for each in asked:
        position = book.positions.get(each)
        if position is not None:
            yield risk_of(position, at[position.netuid])


def _unknown(book: Book, at: Mapping[Netuid, JudgedAt]) -> Iterator[tuple[Netuid, UnknownRisk]]:
    for netuid, each in at.items():
        if isinstance(each.standing, Unknown):
            count = book.positions.count_in(netuid)
            if count:
                yield netuid, UnknownRisk(positions=count, reason=each.standing.reason)
