"""Where something is reached, who runs it, and how many must say the same.

Data only; knows neither chain.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from fleet.settings.fields import SecretFile, Section, is_loopback
from fleet.settings.secrets import read_secret


class Place(Section):
    """Where something is reached."""

    operator: Annotated[str, Field(min_length=1, max_length=64)]
    """Who runs it: the name that logs and metrics use, so that no address with a key appears."""

    url: str | None = None
    """Its address."""

    url_file: SecretFile | None = None
    """A file that holds the address, for providers whose address carries a key; instead of url."""

    @property
    def has_no_address(self) -> bool:
        """Whether it is reached without one."""
        return False

    @model_validator(mode="after")
    def _has_one_address(self) -> Self:
        if not self.has_no_address and (self.url is None) == (self.url_file is None):
            raise ValueError("give exactly one of url and url_file")
        return self

    def address(self) -> str:
        """The address to connect to; not to be logged.

        Raises:
            SettingsError: the file that holds it cannot be read.
        """
        if self.url_file is not None:
            return read_secret(self.url_file)
        assert self.url is not None, "the validator saw to it"
        return self.url


class Endpoint(Place):
    """A node to connect to."""

    requests_per_second: Annotated[float, Field(gt=0)] | None = None
    """Requests a second the operator allows. Public nodes allow about 1; only a node on this
    machine may go without a limit."""

    @model_validator(mode="after")
    def _is_limited(self) -> Self:
        is_local = self.has_no_address or (self.url is not None and is_loopback(self.url))
        if self.requests_per_second is None and not is_local:
            raise ValueError("give requests_per_second: only a node on this machine has no limit")
        return self


class Witnesses(Section):
    """Several endpoints of which more than half of the operators must say the same."""

    endpoints: Annotated[tuple[Endpoint, ...], Field(min_length=1)]
    """Who is asked."""

    agreement: Annotated[int, Field(ge=1)] | None = None
    """Operators that must say the same; absent = the smallest number above half of them."""

    @property
    def operators(self) -> int:
        """How many different operators there are."""
        return len({endpoint.operator for endpoint in self.endpoints})

    @property
    def must_agree(self) -> int:
        """How many of them must say the same."""
        return self.agreement or self.operators // 2 + 1

    @property
    def names(self) -> tuple[str, ...]:
        """What logs and metrics call each endpoint: its operator, numbered from the second on."""
        operators = [endpoint.operator for endpoint in self.endpoints]
        return tuple(
            operator if (nth := operators[:index].count(operator)) == 0 else f"{operator}-{nth + 1}"
            for index, operator in enumerate(operators)
        )
