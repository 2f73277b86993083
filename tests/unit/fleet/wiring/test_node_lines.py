import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from fleet.chain.lineage import Advance, Leap, Reorg, Withdrawal
from fleet.chain.states import NodeState
from fleet.telemetry.chain_metrics import ChainMetrics
from fleet.wiring.chain_changes import ChainChanges
from fleet.wiring.node_lines import NodeLines, NodeNumbers
from units import BlockHash, BlockNumber, Head, Timestamp


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> ChainMetrics:
    return ChainMetrics(registry)


def head(number: int) -> Head:
    return Head(
        number=BlockNumber(number),
        hash=BlockHash(f"0x{number:064x}"),
        parent_hash=BlockHash(f"0x{number - 1:064x}"),
        time=Timestamp(12 * number),
    )


@pytest.mark.parametrize(
    ("state", "level"),
    [
        (NodeState.ALIVE, "info"),
        (NodeState.LAGGING, "warning"),
        (NodeState.UNREACHABLE, "warning"),
        (NodeState.WRONG_CHAIN, "error"),
    ],
)
def test_line__a_state_changes__one_with_its_reason(state: NodeState, level: str) -> None:
    with capture_logs() as lines:
        NodeLines().state_changed("a", NodeState.PRUNED, state, "5 blocks behind")
    assert lines == [
        {
            "event": "node_state",
            "log_level": level,
            "endpoint": "a",
            "state": state.value,
            "was": "pruned",
            "reason": "5 blocks behind",
        }
    ]


def test_numbers__a_state_changes__one_series_is_one(
    registry: CollectorRegistry, metrics: ChainMetrics
) -> None:
    numbers = NodeNumbers(metrics)
    numbers.state_changed("a", None, NodeState.ALIVE, "")
    numbers.state_changed("a", NodeState.ALIVE, NodeState.LAGGING, "")
    found = {
        state: registry.get_sample_value(
            "megatao_node_state", {"endpoint": "a", "state": state.value}
        )
        for state in NodeState
    }
    assert found == {state: float(state is NodeState.LAGGING) for state in NodeState}


def test_numbers__requests_and_disagreements__are_counted(
    registry: CollectorRegistry, metrics: ChainMetrics
) -> None:
    numbers = NodeNumbers(metrics)
    numbers.requested("a", "ok")
    numbers.outvoted("a")
    numbers.waited("a", 0.25)
    labels = {"endpoint": "a", "result": "ok"}
    assert registry.get_sample_value("megatao_node_requests_total", labels) == 1
    assert registry.get_sample_value("megatao_node_disagreements_total", {"endpoint": "a"}) == 1
    waited = registry.get_sample_value("megatao_throttle_wait_seconds_sum", {"endpoint": "a"})
    assert waited == 0.25


def test_changes__reorganisation__its_ancestor_and_branch_and_depth(
    registry: CollectorRegistry, metrics: ChainMetrics
) -> None:
    changes = ChainChanges(metrics)
    with capture_logs() as lines:
        changes.changed(Leap(head(1), None))
        changes.changed(Advance((head(2),)))
        changes.changed(Advance((head(3), head(4), head(5))))
        changes.changed(Reorg(head(3), (head(4), head(5)), (head(4),)))
        changes.changed(Leap(head(900), head(5)))
    assert [line["event"] for line in lines] == ["reorganised", "lost_sight_of_the_chain"]
    assert lines[0]["ancestor"] == 3
    assert lines[0]["branch"] == [head(4).hash]
    assert registry.get_sample_value("megatao_heads_missed_total") == 2
    assert registry.get_sample_value("megatao_reorg_depth_blocks_sum") == 2


def test_changes__a_head_that_was_made_up__told_and_counted(
    registry: CollectorRegistry, metrics: ChainMetrics
) -> None:
    with capture_logs() as lines:
        ChainChanges(metrics).changed(Withdrawal(head(10**9), head(9)))
    assert [(line["event"], line["block"], line["head"]) for line in lines] == [
        ("head_withdrawn", 10**9, 9)
    ]
    assert registry.get_sample_value("megatao_heads_withdrawn_total") == 1
