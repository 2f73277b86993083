import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devnet.tape import Hole, Tape, TapeError, TapeRow
from units import BlockNumber, Netuid, Rao, Timestamp

HEADER = "block,timestamp_utc,sn64,sn4"
T0 = 1_741_305_600  # 2025-03-07T00:00:00Z
ROW_1 = "100,2025-03-07T00:00:00+00:00,7,9"
ROW_2 = "110,2025-03-07T00:02:00+00:00,8,9"


def tape_of(tmp_path: Path, *lines: str, name: str = "tape.csv") -> Tape:
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n")
    return Tape.open(path)


def rows_of(*rows: tuple[int, int, dict[int, int]]) -> list[TapeRow]:
    return [
        TapeRow(
            block=BlockNumber(block),
            time=Timestamp(time),
            prices={Netuid(netuid): Rao(price) for netuid, price in prices.items()},
        )
        for block, time, prices in rows
    ]


def test_open__plain_csv__reads_rows_columns_and_prices(tmp_path: Path) -> None:
    tape = tape_of(tmp_path, HEADER, ROW_1, ROW_2)
    assert tape.netuids == (64, 4)
    assert len(tape) == 2
    assert tape.row_at(BlockNumber(110)) == TapeRow(
        block=BlockNumber(110),
        time=Timestamp(T0 + 120),
        prices={Netuid(64): Rao(8), Netuid(4): Rao(9)},
    )


def test_open__as_a_spreadsheet_writes_it__is_the_same_tape(tmp_path: Path) -> None:
    plain = tape_of(tmp_path, HEADER, ROW_1, ROW_2)
    marked = tmp_path / "marked.csv"
    marked.write_bytes(b"\xef\xbb\xbf" + f"{HEADER}\r\n{ROW_1}\r\n{ROW_2}\r\n".encode())
    assert list(Tape.open(marked).rows()) == list(plain.rows())


def test_open__fractions_of_a_second__are_cut_off(tmp_path: Path) -> None:
    tape = tape_of(tmp_path, HEADER, ROW_1, "110,2025-03-07T00:02:00.001000+00:00,8,9")
    assert tape.row_at(BlockNumber(110)).time == T0 + 120


def test_row_at__between_rows__the_row_before_holds_and_time_goes_on(tmp_path: Path) -> None:
    tape = tape_of(tmp_path, HEADER, ROW_1, ROW_2)
    assert tape.row_at(BlockNumber(109)).block == 100
    assert tape.time_at(BlockNumber(109)) == T0 + 9 * 12
    assert tape.time_at(BlockNumber(110)) == T0 + 120


def test_row_at__outside_the_tape__says_what_it_has(tmp_path: Path) -> None:
    tape = tape_of(tmp_path, HEADER, ROW_1, ROW_2)
    assert (tape.first_block, tape.last_block) == (100, 119)
    for block in (99, 120):
        with pytest.raises(TapeError, match=rf"block {block} is not on the tape \(100 … 119\)"):
            tape.row_at(BlockNumber(block))


@pytest.mark.parametrize(
    ("time", "block"),
    [(T0 - 5, 100), (T0, 100), (T0 + 1, 101), (T0 + 12, 101), (T0 + 119, 110), (T0 + 121, 111)],
)
def test_first_block_at__any_time__is_the_first_block_not_before_it(
    tmp_path: Path, time: int, block: int
) -> None:
    tape = tape_of(tmp_path, HEADER, ROW_1, ROW_2)
    assert tape.first_block_at(Timestamp(time)) == block


def test_first_block_at__after_the_end__is_an_error(tmp_path: Path) -> None:
    tape = tape_of(tmp_path, HEADER, ROW_1, ROW_2)
    with pytest.raises(TapeError, match="ends at 2025-03-07T00:02:00"):
        tape.first_block_at(Timestamp(T0 + 241))


@given(gaps=st.lists(st.integers(min_value=1, max_value=60), max_size=20), late=st.integers(0, 11))
def test_first_block_at__time_of_any_block__finds_that_block(gaps: list[int], late: int) -> None:
    blocks = [1_000]
    for gap in gaps:
        blocks.append(blocks[-1] + gap)
    rows = [(block, T0 + block * 12 + late * (block % 2), {1: 5}) for block in blocks]
    tape = Tape.of_rows(rows_of(*rows))
    for number in range(tape.first_block, tape.last_block + 1):
        block = BlockNumber(number)
        assert tape.first_block_at(tape.time_at(block)) == block


def test_holes__missing_rows__hold_the_price_and_are_reported(tmp_path: Path) -> None:
    tape = tape_of(
        tmp_path,
        HEADER,
        ROW_1,
        ROW_2,
        "120,2025-03-07T00:04:00+00:00,8,9",
        "180,2025-03-07T00:16:00+00:00,9,9",
    )
    assert tape.spacing == 10
    assert tape.holes == (Hole(row=5, until=BlockNumber(180), blocks=60),)
    assert tape.row_at(BlockNumber(179)).prices[Netuid(64)] == 8


@pytest.mark.parametrize(
    ("blocks", "spacing"),
    [([100, 105, 115, 125], 10), ([100, 105, 115], 5), ([100], 1), ([100, 120, 130, 150], 20)],
)
def test_spacing__of_uneven_rows__is_the_most_frequent_the_shorter_of_equals(
    blocks: list[int], spacing: int
) -> None:
    rows = rows_of(*((block, T0 + block * 12, {4: 9}) for block in blocks))
    assert Tape.of_rows(rows).spacing == spacing


def test_holes__longer_than_allowed__is_an_error_unless_asked_for(tmp_path: Path) -> None:
    lines = (HEADER, ROW_1, "161,2025-03-07T01:00:00+00:00,8,9")
    with pytest.raises(TapeError, match=r"^tape.csv: row 3: 61 blocks after the row above it"):
        tape_of(tmp_path, *lines)
    assert len(Tape.open(tmp_path / "tape.csv", hole_blocks_max=None)) == 2


def test_registered_at__later_column__is_its_first_price() -> None:
    tape = Tape.of_rows(
        rows_of(
            (5_000, T0, {4: 9}),
            (5_010, T0 + 120, {4: 9, 75: 3}),
            (5_020, T0 + 240, {4: 9}),
            (5_030, T0 + 360, {4: 9, 75: 3}),
        )
    )
    assert tape.registered_at(Netuid(75)) == 5_030
    assert tape.registered_at(Netuid(75), BlockNumber(5_029)) == 5_010
    assert tape.registered_at(Netuid(75), BlockNumber(5_009)) is None
    assert tape.registered_at(Netuid(4)) == 5_000 - 1_004
    assert tape.registered_at(Netuid(1)) is None


def test_prices__subnet_not_there__is_absent_not_zero(tmp_path: Path) -> None:
    tape = tape_of(tmp_path, HEADER, "100,2025-03-07T00:00:00+00:00,0,")
    assert tape.row_at(BlockNumber(100)).prices == {Netuid(64): 0}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["", ROW_1], "empty"),
        ([HEADER], "no rows of prices"),
        (["block,time,sn64", ROW_1], "row 1: columns are not"),
        (["block,timestamp_utc", "100,2025-03-07T00:00:00+00:00"], "row 1: columns are not"),
        (["block,timestamp_utc,volume", ROW_1], "row 1: unknown column 'volume'"),
        (["block,timestamp_utc,sn70000", ROW_1], "row 1: unknown column 'sn70000'"),
        (["block,timestamp_utc,sn4,sn4", ROW_1], "row 1: a column stands twice"),
        ([HEADER, ROW_2, ROW_1], "row 3: block 100 comes before the row above it"),
        ([HEADER, ROW_1, ROW_1], "row 3: block 100 stands twice"),
        (
            [HEADER, ROW_1, "110,2025-03-07T00:02:00+00:00,-8,9"],
            "row 3: '-8' is not a whole number",
        ),
        ([HEADER, ROW_1, "110,2025-03-07T00:02:00+00:00,1.5,9"], "row 3: '1.5' is not a whole"),
        ([HEADER, ROW_1, "110,2025-03-07T00:02:00+00:00,٣,9"], "row 3: '٣' is not a whole number"),
        ([HEADER, ROW_1, "x,2025-03-07T00:02:00+00:00,1,9"], "row 3: 'x' is not a whole number"),
        ([HEADER, ROW_1, f"{2**32},2025-03-07T00:02:00+00:00,1,9"], "row 3: .* not a block number"),
        ([HEADER, f"1,2025-03-07T00:02:00+00:00,{2**64},9"], "row 2: .* not an unsigned 64-bit"),
        ([HEADER, ROW_1, "110,yesterday,8,9"], "row 3: 'yesterday' is not an ISO 8601 time"),
        ([HEADER, ROW_1, "110,2025-03-07T00:02:00,8,9"], "row 3: .* has no offset from UTC"),
        ([HEADER, ROW_1, "110,2025-03-07T00:00:30+00:00,8,9"], "row 3: 30 s after the row above"),
        ([HEADER, ROW_1, "110,2025-03-07T00:02:00+00:00,8"], "row 3: 3 cells, the header has 4"),
        ([HEADER, ROW_1, ""], "row 3: 0 cells, the header has 4"),
    ],
)
def test_open__wrong_file__names_the_row_and_what_is_wrong(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    with pytest.raises(TapeError, match=rf"^tape\.csv: {message}") as caught:
        tape_of(tmp_path, *lines)
    assert "\n" not in str(caught.value)


def test_open__no_such_file__is_one_line(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match=r"^gone\.csv: No such file or directory$"):
        Tape.open(tmp_path / "gone.csv")


def test_open__truncated_gzip__names_the_row_it_broke_off_at(tmp_path: Path) -> None:
    path = tmp_path / "tape.csv.gz"
    lines = [HEADER]
    lines += [f"{100 + i},{_iso(T0 + i * 12)},{i * 7919 % 65_537},9" for i in range(5_000)]
    whole = gzip.compress("\n".join(lines).encode())
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TapeError, match=r"^tape.csv.gz: row \d{4}: the file ends in the middle"):
        Tape.open(path)


def test_open__not_gzip_at_all__is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "tape.csv.gz"
    path.write_text(HEADER)
    with pytest.raises(TapeError, match=r"^tape.csv.gz: row 1: not whole gzip data"):
        Tape.open(path)


def test_open__damaged_gzip__is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "tape.csv.gz"
    whole = bytearray(gzip.compress(f"{HEADER}\n{ROW_1}\n{ROW_2}\n".encode()))
    whole[-8] ^= 0xFF
    path.write_bytes(whole)
    with pytest.raises(TapeError, match=r"^tape.csv.gz: row \d: not whole gzip data"):
        Tape.open(path)


def test_open__not_text__is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "tape.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TapeError, match=r"^tape.csv: row 1: not UTF-8 text"):
        Tape.open(path)


@pytest.mark.parametrize("name", ["tape.csv", "tape.csv.gz"])
def test_write__then_open__is_the_same_tape(tmp_path: Path, name: str) -> None:
    rows = rows_of((100, T0, {4: 9, 64: 1}), (110, T0 + 120, {64: 2**64 - 1}))
    Tape.of_rows(rows).write(tmp_path / name)
    assert list(Tape.open(tmp_path / name).rows()) == rows


def test_write__twice__gives_the_same_bytes(tmp_path: Path) -> None:
    tape = Tape.of_rows(rows_of((100, T0, {4: 9})))
    tape.write(tmp_path / "a.csv.gz")
    tape.write(tmp_path / "b.csv.gz")
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()


def test_of_rows__wrong_values__held_to_the_same_rules() -> None:
    with pytest.raises(TapeError, match="row 2: the price -1"):
        Tape.of_rows(rows_of((100, T0, {4: -1})))
    with pytest.raises(TapeError, match="row 3: block 100 stands twice"):
        Tape.of_rows(rows_of((100, T0, {4: 1}), (100, T0 + 12, {4: 1})))
    with pytest.raises(TapeError, match="no rows"):
        Tape.of_rows([])


def _iso(time: int) -> str:
    hours, seconds = divmod(time - T0, 3_600)
    days, hours = divmod(hours, 24)
    return f"2025-03-{7 + days:02}T{hours:02}:{seconds // 60:02}:{seconds % 60:02}+00:00"
