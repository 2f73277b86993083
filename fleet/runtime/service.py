"""What must run beside the bots as long as they do: a server, a schedule, a connection."""

from collections.abc import Callable, Coroutine
from typing import Any

Service = Callable[[], Coroutine[Any, Any, None]]
"""Begins to serve when called, until it is cancelled; an error of its ends the process."""
