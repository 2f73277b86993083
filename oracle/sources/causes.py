"""Why a connection could not be opened, in one short line for operators.

What comes over the wire may be a page of HTML, and an address may hold a secret: neither is said.
"""

from websocket import WebSocketAddressException, WebSocketBadStatusException


def cause(error: Exception) -> str:
    """In words where there are some, else the error's kind."""
    if isinstance(error, WebSocketBadStatusException):
        return f"HTTP status {error.status_code}"
    if isinstance(error, WebSocketAddressException):
        return "its host name is not known here"
    return getattr(error, "strerror", None) or type(error).__name__
