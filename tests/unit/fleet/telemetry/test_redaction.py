import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.telemetry.redaction import HIDDEN, redact, redact_text

KEY = "0x" + "4c" * 32


@pytest.mark.parametrize(
    "name",
    [
        "private_key",
        "PRIVATE_KEY",
        "feeder_key",
        "key",
        "password",
        "keystore_passphrase",
        "secret",
        "mnemonic",
        "sentry_dsn",
        "api_key",
        "apikey",
        "Authorization",
        "bot_token",
    ],
)
def test_redact__secret_by_its_name__hidden(name: str) -> None:
    assert redact({name: KEY}) == {name: HIDDEN}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tx_hash", KEY),
        ("block_hash", KEY),
        ("key", {"id": "0x01", "sequence": 1}),
        ("idempotency_key", "funding-0123456789abcdef0123456789abcdef"),
        ("private_key", None),
        ("rpc_url", "http://127.0.0.1:8545"),
        ("endpoint", "wss://entrypoint-finney.opentensor.ai:443"),
        ("store", "sqlite+aiosqlite:////var/lib/keepers/store.db"),
        ("explorer", f"https://explorer.example/tx/{KEY}"),
        ("gas_used", 21_000),
    ],
)
def test_redact__no_secret__left_as_it_is(name: str, value: object) -> None:
    assert redact({name: value}) == {name: value}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://user:hunter2@node:8545/rpc", "http://***@node:8545/rpc"),
        ("wss://node/v2/abcDEF0123456789abcdef", "wss://node/v2/***"),
        ("https://node/rpc?apikey=12345", "https://node/rpc?***"),
        ("postgresql+asyncpg://me:hunter2@db/keepers", "postgresql+asyncpg://***@db/keepers"),
        ("tgram://123456:AAF-token/98765", "tgram://***"),
        ("json://user:hunter2@127.0.0.1:9/hook", "json://***"),
        ("cannot reach https://a:b@node: refused", "cannot reach https://***@node: refused"),
        ("password=hunter2 was wrong", "password=*** was wrong"),
        (f"private key: {KEY}", f"private key: {HIDDEN}"),
        (f"{{'private_key': '{KEY}'}}", f"{{'private_key': '{HIDDEN}'}}"),
        ("nothing to see", "nothing to see"),
    ],
)
def test_redact_text__secrets_with_a_form_of_their_own__hidden_anywhere(
    text: str, expected: str
) -> None:
    assert redact_text(text) == expected


def test_redact__nested__found_in_lists_tuples_and_bytes() -> None:
    value = {"a": [{"password": "x"}, ("http://u:p@h",)], "b": b"http://u:p@h"}

    assert redact(value) == {
        "a": [{"password": HIDDEN}, ["http://***@h"]],
        "b": "http://***@h",
    }


def test_redact__nested_without_end__hidden_instead_of_followed() -> None:
    value: dict[str, object] = {}
    value["again"] = value

    assert HIDDEN in str(redact(value))


@given(st.text())
def test_redact_text__any_text__never_fails_and_is_stable(text: str) -> None:
    once = redact_text(text)

    assert redact_text(once) == once


@given(st.text(alphabet="abcdef0123456789", min_size=4, max_size=40))
def test_redact_text__password_in_an_address__never_there_afterwards(password: str) -> None:
    assert password not in redact_text(f"see https://operator:{password}@NODE/ for more")
