"""Positions as values over one table: any version can be read, the newest one for nothing.

All versions of a book share one table of columns. The version that was asked last has it; each
other one knows the changes that lead from its neighbour to itself, and asking it makes them, and
leaves the way back to the neighbour (Baker's rerooting). So a step costs what it changes, a rewind
costs what it undoes, and whoever holds an old version may keep reading it. Versions that nobody
holds vanish. Not for several threads. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping

from keepers.liquidation.packing import UnrepresentableError, packed, unpacked
from keepers.liquidation.positions import Position
from keepers.liquidation.standing import Terms
from keepers.liquidation.table import Changes, Table
from units import Netuid, PositionId


class _Place:
    """Where a version stands: at the table (no `way`), or a number of changes from a neighbour."""

    __slots__ = ("way",)

    def __init__(self) -> None:
        self.way: tuple[_Place, Changes] | None = None


class Positions(Mapping[PositionId, Position]):
    """Open positions by id at the end of one block."""

    __slots__ = ("_count", "_place", "_table")

    def __init__(self, table: Table) -> None:
        self._table = table
        self._count = len(table)
        self._place = _Place()

    @classmethod
    def of(cls, positions: Iterable[Position]) -> "Positions":
        """The first version of a new table; every id once.

        Raises:
            UnrepresentableError: a position has numbers that no exchange holds.
        """
        table = Table()
        table.fill(packed(position) for position in positions)
        return cls(table)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, position_id: PositionId) -> Position:
        record = self.table.get(position_id)
        if record is None:
            raise KeyError(position_id)
        return unpacked(record)

    def __iter__(self) -> Iterator[PositionId]:
        return (position.key.id for position in self.each())

    def each(self) -> Iterator[Position]:
        """Every position, market by market.

        Raises:
            RuntimeError: another version was asked for while this one was gone through.
        """
        for record in self.table.records():
            yield unpacked(record)
            if self._place.way is not None:
                raise RuntimeError("another version was read while this one was gone through")

    def holds(self, position: Position) -> bool:
        """Whether this very position is open, with these very numbers."""
        try:
            return self.table.get(position.key.id) == packed(position)
        except UnrepresentableError:
            return False

    def count_in(self, netuid: Netuid) -> int:
        """How many positions are open in a market."""
        return self.table.count_in(netuid)

    def with_records(self, changes: Changes) -> "Positions":
        """The version in which these records are open, and those that are None are not."""
        if not changes:
            return self
        undo = self.table.apply(changes)
        after = Positions(self._table)
        self._place.way = after.place, undo
        return after

    def records_before(self, earlier: "Positions") -> Changes | None:
        """What `earlier` has under every id that may stand otherwise here, in O(changed).

        None where the two were never one table: then everything may.
        """
        self._reach()
        steps: list[Changes] = []
        place = earlier.place
        while place.way is not None:
            place, changes = place.way
            steps.append(changes)
        if place is not self._place:
            return None
        found: dict[bytes, bytes | None] = {}
        for changes in reversed(steps):  # what is nearest to `earlier` is what it has
            found.update(changes)
        return found

    def nominate(self, terms: Mapping[Netuid, Terms]) -> list[Position]:
        """Every position that is liquidatable at its market's terms, and hardly another."""
        return [unpacked(record) for record in self.table.nominate(terms)]

    def scan(self, terms: Mapping[Netuid, Terms]) -> list[Position]:
        """The same by a look at every position: the referee of `nominate`."""
        return [unpacked(record) for record in self.table.scan(terms)]

    @property
    def place(self) -> _Place:
        """Where this version stands among the others of its table."""
        return self._place

    @property
    def table(self) -> Table:
        """The table, in the state of this version until another one is asked for."""
        self._reach()
        return self._table

    def _reach(self) -> None:
        """Brings the table here, from whichever version has it."""
        place = self._place
        path: list[_Place] = []
        while place.way is not None:
            path.append(place)
            place = place.way[0]
        for each in reversed(path):
            _take_over(self._table, each)


def _take_over(table: Table, place: _Place) -> None:
    """Brings the table here from the neighbour, which has it."""
    assert place.way is not None
    neighbour, changes = place.way
    neighbour.way = place, table.apply(changes)
    place.way = None
