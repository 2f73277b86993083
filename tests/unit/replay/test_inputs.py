"""What a replay is given is read before anything runs; what can't be is said in one line."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from devnet.failure import DevnetError, DevnetInputError
from devnet.files import write_whole
from devnet.population import NIGHT, Crowd, population
from devnet.trader import Mind, Stage
from replay.run import ReplayOptions, prepared, run_blocking
from replay.sweep import sweep, variants
from units import ONE, Netuid, Wei

MARKETS = (64, 51, 62, 4, 8, 120, 3, 44, 9, 56, 75, 34)
HEADER = "block,timestamp_utc," + ",".join(f"sn{netuid}" for netuid in MARKETS)
CSV = "trader,market,side,margin,leverage,time"


def row(block: int, price: str = "200000000") -> str:
    seconds = (block - 5_000_000) * 12
    time = f"2025-01-01T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}+00:00"
    return f"{block},{time},{','.join([price] + ['200000000'] * (len(MARKETS) - 1))}"


def rows(*blocks: int) -> list[str]:
    return [HEADER, *map(row, blocks)]


def tape(folder: Path, lines: list[str]) -> Path:
    path = folder / "prices.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def ignored(done: int, total: int) -> None:
    del done, total


HOUR = [5_000_000 + 10 * at for at in range(33)]
SOON = [5_000_000, 5_000_010, 5_000_020]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([*rows(*SOON[:2], 5_000_040), row(5_000_030)], "row 5: block 5000030 comes before"),
        ([*rows(*SOON), row(5_000_020)], "row 5: block 5000020 stands twice"),
        ([*rows(*SOON), row(5_000_030, "-5")], "row 5: '-5' is not a whole number"),
        ([*rows(*SOON), row(5_000_030, "1.5")], "row 5: '1.5' is not a whole number"),
        ([*rows(*SOON), row(5_000_030, "cheap")], "row 5: 'cheap' is not a whole number"),
        ([*rows(*SOON), row(5_000_090)], "row 5: 70 blocks after the row above it, at most 60"),
        ([HEADER.replace("sn64", "sn99999"), *rows(*SOON)[1:]], "row 1: unknown column 'sn99999'"),
        ([HEADER.replace("sn64", "sn63"), *rows(*SOON)[1:]], "has no prices of market 64"),
        (rows(*SOON), "0 h from the start to its end, 1 h wanted"),
    ],
)
def test_tape__that_cannot_be__is_refused_with_its_row_and_nothing_is_written(
    lines: list[str], said: str, tmp_path: Path
) -> None:
    hours = 0 if "no prices" in said else 1
    options = ReplayOptions(out=tmp_path / "out", tape=tape(tmp_path, lines), hours=hours)

    with pytest.raises(DevnetInputError) as refused:
        run_blocking(options, ignored)

    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_tape__cut_off_in_its_compressed_data__is_refused_with_the_row(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv.gz"
    path.write_bytes(gzip.compress("\n".join(rows(*HOUR)).encode())[:-20])

    with pytest.raises(DevnetInputError, match=r"row \d+: the file ends in the middle"):
        prepared(ReplayOptions(out=tmp_path, tape=path, hours=1))


def test_tape__with_a_hole__is_bridged_and_reported_up_to_the_limit(tmp_path: Path) -> None:
    blocks = [*HOUR[:5], *HOUR[15:]]
    path = tape(tmp_path, rows(*blocks))

    with pytest.raises(DevnetInputError, match="row 7: 110 blocks after the row above it"):
        prepared(ReplayOptions(out=tmp_path, tape=path, hours=1))
    ready = prepared(ReplayOptions(out=tmp_path, tape=path, hours=1, gap_blocks_max=110))

    (hole,) = ready.replay.holes
    assert (hole.row, hole.blocks) == (7, 110)
    summary = run_blocking(
        ReplayOptions(out=tmp_path, tape=path, hours=1, gap_blocks_max=110, traders=3), ignored
    )
    assert summary["tape_holes"] == [{"row": 7, "until_block": 5_000_150, "blocks": 110}]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ann,CHUTES,long,1,3", "row 3: 5 cells, the header has 6"),
        ("ann,DOGE,long,1,3,2025-01-01T00:10", "row 3: market 'DOGE' is not one of the fleet's"),
        ("ann,51,up,1,3,2025-01-01T00:10", "row 3: side 'up' is neither long nor short"),
        ("ann,51,long,-1,3,2025-01-01T00:10", "row 3: margin '-1' is not above 0"),
        ("ann,51,long,much,3,2025-01-01T00:10", "row 3: margin 'much' is not a number"),
        ("ann,51,long,1,nan,2025-01-01T00:10", "row 3: leverage 'nan' is not above 0"),
        ("ann,51,long,1,3,noon", "row 3: time 'noon' is not ISO 8601"),
        ("ann,64,short,1,3,2025-01-01T00:10", "row 3: ann has a position in market 64 already"),
    ],
)
def test_population__that_cannot_be__is_refused_with_its_row(
    line: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "people.csv"
    path.write_text(f"{CSV}\nann,64,long,1,3,2025-01-01T00:10\n{line}\n")

    with pytest.raises(DevnetInputError, match=said):
        prepared(ReplayOptions(out=tmp_path, hours=1, population=str(path)))


def test_population__of_a_file__opens_what_it_lists_when_it_says_so(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(
        f"{CSV}\nann,CHUTES,long,1.5,3,2025-01-01T00:10\nbob,51,short,2,1.5,2024-12-31T00:00Z\n"
    )

    summary = run_blocking(ReplayOptions(out=tmp_path, hours=1, population=str(path)), ignored)

    assert summary["trades"]["succeeded"] == {"deposit": 2, "open": 2}
    ready = prepared(ReplayOptions(out=tmp_path, hours=1, population=str(path)))
    ann, bob = (mind.plan for mind in ready.setup.minds)
    assert (ann.netuid, ann.is_long, ann.margin, ann.leverage) == (
        64,
        True,
        15 * ONE // 10,
        3 * ONE,
    )
    assert (ann.arrives, bob.arrives) == (47, 0), "ten minutes after the tape's start; at once"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("oracle.deviation_bps", "is not section.key=value"),
        ("evm.poll_s=1", "not a section of a replay"),
        ("oracle.deviatoin_bps=5", "did you mean deviation_bps"),
        ("oracle.deviation_bps=25", "25"),
        ("market.leverage=3", "the exchange has no such parameter"),
        ("vault.reserves=many", "'many' is not a number"),
    ],
)
def test_set__that_cannot_be__is_refused(word: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(DevnetInputError) as refused:
        prepared(ReplayOptions(out=tmp_path, hours=1, words=(word,)))

    assert said in str(refused.value)


def test_set__of_a_value_and_of_a_part_of_it__is_refused(tmp_path: Path) -> None:
    words = ("liquidation.gas=1", "liquidation.gas.intercept=2")

    with pytest.raises(DevnetInputError, match=r"gas\.intercept: gas is a value already"):
        prepared(ReplayOptions(out=tmp_path, hours=1, words=words))


def test_set__reaches_the_fleet_and_the_exchange(tmp_path: Path) -> None:
    words = ("oracle.deviation_bps=15", "market.leverage_max=2", "vault.reserves=70")

    ready = prepared(ReplayOptions(out=tmp_path, hours=1, words=words))

    assert ready.configuration.settings.oracle.deviation_bps == 15
    assert ready.configuration.beta.reserves == Wei(70 * ONE)
    assert max(mind.plan.leverage for mind in ready.setup.minds) == 2 * ONE


def test_run__that_fails_half_way__leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ReplayOptions(out=tmp_path, hours=1, traders=5)
    run_blocking(options, ignored)

    def fails(done: int, total: int) -> None:
        if done > total // 2:
            raise DevnetError("the plug is pulled")

    with pytest.raises(DevnetError, match="plug"):
        run_blocking(options, fails)
    assert list(tmp_path.iterdir()) == [], "not even what an earlier run left"


def test_write_whole__that_fails__leaves_the_file_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, "old")

    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "\ud800")

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_sweep__interrupted__goes_on_where_it_stopped(tmp_path: Path) -> None:
    options = ReplayOptions(out=tmp_path, hours=1, traders=5)
    first = variants(options, ["oracle.deviation_bps=5,10"])
    sweep(options, first, 1, ignored)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("variants/*/summary.json")}
    told: list[tuple[int, int]] = []

    more = variants(options, ["oracle.deviation_bps=5,10,15"])
    found = sweep(options, more, 1, lambda done, total: told.append((done, total)))

    assert told == [(2, 3), (3, 3)]
    assert all(path.stat().st_mtime_ns == at for path, at in kept.items())
    assert [each["name"] for each in found] == [f"deviation_bps={bps}" for bps in (5, 10, 15)]
    assert len(json.loads((tmp_path / "sweep.json").read_text())["variants"]) == 3


def test_sweep__with_another_setting_in_the_environment__is_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ReplayOptions(out=tmp_path, hours=1, traders=5)
    sweep(options, variants(options, ["oracle.deviation_bps=5"]), 1, ignored)
    told: list[tuple[int, int]] = []

    monkeypatch.setenv("KEEPERS_ORACLE__HEARTBEAT_S", "480")
    again = variants(options, ["oracle.deviation_bps=5"])
    sweep(options, again, 1, lambda done, total: told.append((done, total)))

    assert told == [(0, 1), (1, 1)]


def test_sweep__that_is_stopped__runs_none_of_those_that_wait(tmp_path: Path) -> None:
    options = ReplayOptions(out=tmp_path, hours=1, traders=5)
    chosen = variants(options, ["oracle.deviation_bps=5,6,7,8,9,10,11,12"])

    def stops(done: int, total: int) -> None:
        del total
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(options, chosen, 1, stops)
    assert 1 <= len(list(tmp_path.glob("variants/*/input.json"))) < len(chosen)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("oracle.deviation_bps=5,,9", "is not section.key=a,b,c"),
        ("oracle.deviation_bps=5,900", "900"),
        ("market.nothing=1,2", "no such parameter"),
    ],
)
def test_sweep__with_a_value_that_cannot_be__is_refused_before_any_run(
    given: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(DevnetInputError, match=said):
        variants(ReplayOptions(out=tmp_path, hours=1), [given])
    assert list(tmp_path.iterdir()) == []


def life(mind: Mind, random: Random) -> Iterator[tuple[int, int | None, bool]]:
    """Every block of a trader's life: the block, when it was said to wake, whether it wished."""
    for now in range(NIGHT.start + 1_500):
        wakes = mind.wakes(now)
        wish = mind.wish(now)
        yield now, wakes, wish is not None
        if wish is None:
            continue
        if random.random() < 0.3:
            mind.refused(now)
        else:
            mind.done(wish, now + 1)
            mind.hold(bytes(16), Wei(ONE))
        if mind.stage is Stage.HOLDING and random.random() < 0.2:
            mind.lost(now + 1)


def test_wakes__of_any_trader__is_never_after_a_wish() -> None:
    crowd = Crowd(leaving=0.8, reducing=0.8, coming_back=0.8)
    plans = population(seed=3, count=60, netuids=[Netuid(64)], blocks=2_000, crowd=crowd)
    wished = 0
    for plan in plans:
        for now, wakes, has_wish in life(Mind(plan=plan), Random(1)):
            assert not has_wish or wakes == now, plan
            wished += has_wish
    assert wished > 200
