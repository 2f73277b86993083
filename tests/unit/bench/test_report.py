"""What is printed and written at the end."""

import io

from rich.console import Console

from bench.figure import Figure, Series
from bench.report import as_json, as_markdown, print_figures

FIGURE = Figure(
    name="speed",
    unit="ms",
    fleet=Series(runs=(1.0, 2.0, 4.0)),
    baseline=Series(runs=(10.0, 10.0, 10.0)),
    baseline_is="the other way",
    parts={"signing": 0.5},
)


def test_as_json__one_figure__with_the_machine_and_every_run() -> None:
    plain = as_json({"processors": 2}, 1.26, [FIGURE])
    assert plain["machine"] == {"processors": 2}
    assert plain["duration_s"] == 1.3
    (figure,) = plain["figures"]
    assert figure["fleet"] == {
        "median": 2.0,
        "lowest": 1.0,
        "highest": 4.0,
        "runs": [1.0, 2.0, 4.0],
    }
    assert figure["baseline_is"] == "the other way"
    assert figure["parts"] == {"signing": 0.5}


def test_print_figures__one_figure__median_spread_ratio_and_parts() -> None:
    written = io.StringIO()
    print_figures(Console(file=written, width=160), [FIGURE])
    text = written.getvalue()
    assert "2.00 (1.00 – 4.00)" in text
    assert "0.20 (0.10 – 0.40)" in text
    assert "speed: signing 0.50" in text


def test_as_markdown__one_figure__the_machine_a_row_and_the_parts() -> None:
    machine = {
        "processor": "abacus",
        "processors": 2,
        "load_before": [0.5, 0.4, 0.3],
        "python": "3.11",
        "anvil": "anvil 1",
    }
    lines = as_markdown(as_json(machine, 1.0, [FIGURE])).splitlines()
    assert lines[0] == "abacus × 2, load 0.5 at first, Python 3.11, anvil 1"
    row = "| speed | ms | 2.00 (1.00 – 4.00) | 10.00 (10.00 – 10.00) | 0.20 (0.10 – 0.40) |"
    assert row in lines
    assert lines[-1] == "speed: signing 0.50"
