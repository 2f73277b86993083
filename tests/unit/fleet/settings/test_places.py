"""Where a source is reached, or that it is a part of this process."""

import pytest
from pydantic import ValidationError

from fleet.settings import SubtensorEndpoint


def test_endpoint__a_light_client__has_a_chain_spec_and_neither_address_nor_rate() -> None:
    own = SubtensorEndpoint.model_validate(
        {"operator": "me", "kind": "light", "chain_spec": "bittensor.json"}
    )
    assert (own.url, own.requests_per_second) == (None, None)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"kind": "light"}, "takes chain_spec and no address"),
        (
            {"kind": "light", "chain_spec": "a.json", "url": "ws://127.0.0.1:1"},
            "takes chain_spec and no address",
        ),
        ({"url": "ws://127.0.0.1:1", "chain_spec": "a.json"}, 'is for kind = "light"'),
        ({}, "give exactly one of url and url_file"),
        ({"url": "wss://node.example"}, "give requests_per_second"),
    ],
)
def test_endpoint__neither_one_nor_the_other__is_refused(wrong: dict[str, str], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        SubtensorEndpoint.model_validate({"operator": "me"} | wrong)
