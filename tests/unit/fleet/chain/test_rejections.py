import pytest

from fleet.chain.rejections import (
    Refusal,
    Verdict,
    broadcast_refused,
    query_refused,
    retry_after_header_s,
    retry_after_s,
    revert_data,
)


@pytest.mark.parametrize(
    ("message", "verdict"),
    [
        # anvil 1.7.1, tried
        ("transaction already imported", "already known"),
        ("nonce too low", "nonce too low"),
        ("replacement transaction underpriced", "replacement underpriced"),
        ("max fee per gas less than block base fee", "fee too low"),
        ("Insufficient funds for gas * price + value", "insufficient funds"),
        ("intrinsic gas too high -- tx.gas_limit > env.block.gas_limit", "invalid"),
        ("intrinsic gas too low", "invalid"),
        ("Failed to decode transaction", "invalid"),
        # Frontier, client/rpc/src/eth/format.rs
        ("already known", "already known"),
        ("gas price less than block base fee", "fee too low"),
        ("insufficient funds for gas * price + value", "insufficient funds"),
        ("exceeds block gas limit", "invalid"),
        ("invalid chain id", "invalid"),
        ("invalid sender", "invalid"),
        ("max priority fee per gas higher than max fee per gas", "invalid"),
        ("invalid fee input", "invalid"),
        ("submit transaction to pool failed: Pool(TemporarilyBanned)", "uncertain"),
        ("submit transaction to pool failed: Pool(AlreadyImported(..))", "already known"),
        (
            "submit transaction to pool failed: Pool(TooLowPriority { old: 1, new: 1 })",
            "replacement underpriced",
        ),
        (
            "submit transaction to pool failed: InvalidTransaction(Stale)",
            "nonce too low",
        ),
        ("submit transaction to pool failed: Pool(ImmediatelyDropped)", "uncertain"),
        # Substrate's own pool errors, which a proxy may pass on
        ("Transaction Already Imported", "already known"),
        ("Transaction is temporarily banned", "uncertain"),
        ("Priority is too low: (10 vs 10)", "replacement underpriced"),
        ("Unknown Transaction Validity", "uncertain"),
        ("Transaction is outdated", "nonce too low"),
        ("Inability to pay some fees (e.g. account balance too low)", "insufficient funds"),
        # geth
        (
            "insufficient funds for gas * price + value: balance 2, queued cost 1, overshot 1",
            "insufficient funds",
        ),
        ("transaction gapped nonce", "nonce too high"),
        ("gapped-nonce tx from delegated accounts", "nonce too high"),
        ("future transaction tries to replace pending", "nonce too high"),
        ("Transaction will be valid in the future", "nonce too high"),
        ("Immediately Dropped", "uncertain"),
        ("rlp: element is larger than containing list", "invalid"),
        ("transaction type not supported", "invalid"),
        ("nonce too low: next nonce 5, tx nonce 4", "nonce too low"),
        ("nonce too high: address 0x00, tx: 9 state: 7", "nonce too high"),
        ("gas limit reached", "invalid"),
        ("transaction gas limit too high (cap: 16777216, tx: 20000000)", "invalid"),
        ("tx fee (1.20 ether) exceeds the configured cap (1.00 ether)", "invalid"),
        ("oversized data: transaction size 200000, limit 131072", "invalid"),
        ("max initcode size exceeded: code size 60000, limit 49152", "invalid"),
        ("only replay-protected (EIP-155) transactions allowed over RPC", "invalid"),
        ("known transaction: 0x00", "already known"),
        ("insufficient funds for gas * price + value: balance 0, tx cost 1", "insufficient funds"),
        ("max fee per gas less than block base fee: address 0x00, maxFeePerGas: 1", "fee too low"),
        ("transaction underpriced: tip needed 1, tip permitted 0", "fee too low"),
        # says nothing about whether the node has it
        ("unknown error", "uncertain"),
        ("transaction validation error", "uncertain"),
        ("upstream timeout", "uncertain"),
        ("txpool is full", "uncertain"),
        ("account limit exceeded", "uncertain"),
        ("in-flight transaction limit reached for delegated accounts", "uncertain"),
        ("address already reserved", "uncertain"),
        ("", "uncertain"),
    ],
)
def test_broadcast_refused__node_s_words__mean(message: str, verdict: Verdict) -> None:
    answer = broadcast_refused(message)
    assert (answer.verdict, answer.detail) == (verdict, message)


@pytest.mark.parametrize(
    ("code", "message", "refusal"),
    [
        (3, "execution reverted: custom error 0xdeadbeef", Refusal.REVERTED),
        (-32603, "VM Exception while processing transaction: revert no", Refusal.REVERTED),
        (-32603, "EVM error OutOfGas", Refusal.REVERTED),
        (-32603, "evm error: Other(...)", Refusal.REVERTED),
        (-32000, "out of gas", Refusal.REVERTED),
        (-32602, "BlockOutOfRangeError: block height is 6 but was 10", Refusal.STATE_UNAVAILABLE),
        (-32000, "header not found", Refusal.STATE_UNAVAILABLE),
        (4003, "UnknownBlock: State already discarded for 0x00", Refusal.STATE_UNAVAILABLE),
        (-32603, "query returned more than 10000 results", Refusal.TOO_MANY_LOGS),
        (-32005, "query returned more than 10000 results", Refusal.TOO_MANY_LOGS),
        (-32603, "query timeout of 10 seconds exceeded", Refusal.TOO_MANY_LOGS),
        (-32005, "limit exceeded", Refusal.RATE_LIMITED),
        (-32004, "storage work rate limit exceeded", Refusal.RATE_LIMITED),
        (-32000, "Too Many Requests", Refusal.RATE_LIMITED),
        (-32004, "Method not supported", Refusal.OTHER),
        (-32601, "Method not found", Refusal.OTHER),
    ],
)
def test_query_refused__node_s_words__mean(code: int, message: str, refusal: Refusal) -> None:
    assert query_refused(code, message) is refusal


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("0xdeadbeef", b"\xde\xad\xbe\xef"),
        ("deadbeef", b"\xde\xad\xbe\xef"),  # older Frontier
        ({"data": "0xdeadbeef"}, b"\xde\xad\xbe\xef"),
        ("0x", b""),
        (None, b""),
        ("Reverted 0xzz", b""),
    ],
)
def test_revert_data__any_form__bytes(data: object, expected: bytes) -> None:
    assert revert_data(data) == expected


def test_retry_after__given_or_not__seconds_or_none() -> None:
    assert retry_after_s({"retry_after": 3}) == 3
    assert retry_after_s({"retry_after": -1}) is None
    assert retry_after_s({"retry_after": "3.5"}) == 3.5
    assert retry_after_s({"retryAfter": 2}) == 2
    assert retry_after_s({"retry_after": float("nan")}) is None
    assert retry_after_s({"retry_after": True}) is None
    assert retry_after_s("later") is None


NOON = "Wed, 21 Oct 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("7", None, 7.0),
        ("0.5", NOON, 0.5),
        ("Wed, 21 Oct 2026 12:00:30 GMT", NOON, 30.0),
        ("Wed, 21 Oct 2026 11:00:00 GMT", NOON, 0.0),
        ("Wed, 21 Oct 2026 12:00:30 GMT", None, None),
        ("Wed, 21 Oct 2026 12:00:30", NOON, None),
        ("inf", NOON, None),
        ("-1", None, None),
        ("soon", NOON, None),
        (None, NOON, None),
    ],
)
def test_retry_after_header__seconds_or_a_date__is_a_delay(
    value: str | None, date: str | None, seconds: float | None
) -> None:
    assert retry_after_header_s(value, date) == seconds
