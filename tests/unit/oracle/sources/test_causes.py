import pytest
from websocket import (
    WebSocketAddressException,
    WebSocketBadStatusException,
    WebSocketProtocolException,
)

from oracle.sources.causes import cause

PAGE = "<html>\n<body>wss://node.example/v2/very-secret</body></html>"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (WebSocketAddressException("node.example"), "its host name is not known here"),
        (
            WebSocketBadStatusException("Handshake status %d %s", 502, PAGE, {}, PAGE.encode()),
            "HTTP status 502",
        ),
        (WebSocketProtocolException(PAGE), "WebSocketProtocolException"),
        (ValueError(PAGE), "ValueError"),
    ],
)
def test_cause__any_error__is_one_line_without_address_or_page(error: Exception, said: str) -> None:
    assert cause(error) == said
