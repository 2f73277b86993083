"""A key that may not do its work is told so at once; a node that is down is waited for."""

from dataclasses import dataclass, field, replace

import pytest

from fleet.runtime.refusal import StartRefusedError
from fleet.settings import Workload
from fleet.wiring.admission import admitting, services
from fleet.wiring.facts import AdminCall, ContractFacts, RoleFacts, Unread
from tests.unit.fleet.wiring.simulated import Wall, running
from units import Address, BlockHash

KEY = Address("0x" + "11" * 20)
EXCHANGE = ContractFacts(
    name="exchange", address=Address("0x" + "22" * 20), code_hash=BlockHash("0x" + "ab" * 32)
)
GRANTED = RoleFacts(
    role="KEEPER_ROLE",
    contract="Exchange",
    account=KEY,
    needed_for="the key of liquidator",
    is_granted=True,
    grant=AdminCall(to=EXCHANGE.address, data=b"\x2f\x2f", text="Exchange.grantRole(KEEPER_ROLE)"),
)


@dataclass
class World:
    """An exchange whose admin may not have granted anything, behind a node that may be down."""

    code: tuple[ContractFacts, ...] | Unread = (EXCHANGE,)
    roles: tuple[RoleFacts, ...] | Unread = (GRANTED,)
    asked_for: list[tuple[Workload, Address]] = field(default_factory=list)

    async def contracts(self) -> tuple[ContractFacts, ...] | Unread:
        return self.code

    async def roles_of(
        self, workload: Workload, account: Address
    ) -> tuple[RoleFacts, ...] | Unread:
        self.asked_for.append((workload, account))
        return self.roles


async def test_a_key_with_its_roles_is_let_in(wall: Wall) -> None:
    world = World()

    await admitting(world, Workload.LIQUIDATOR, KEY, wall)()

    assert world.asked_for == [(Workload.LIQUIDATOR, KEY)]


async def test_a_missing_role_ends_the_process_with_the_call_that_the_admin_signs(
    wall: Wall,
) -> None:
    world = World(roles=(GRANTED, replace(GRANTED, is_granted=False)))

    with pytest.raises(StartRefusedError) as refused:
        await admitting(world, Workload.LIQUIDATOR, KEY, wall)()

    assert str(refused.value) == (
        "the key of liquidator has no KEEPER_ROLE of Exchange: the admin signs"
        f" Exchange.grantRole(KEEPER_ROLE), to {EXCHANGE.address} data 0x2f2f"
    )


async def test_an_address_without_code_ends_the_process(wall: Wall) -> None:
    world = World(code=(replace(EXCHANGE, code_hash=None),))

    with pytest.raises(
        StartRefusedError, match=r"^no code at 0x2222.*: correct contracts.exchange"
    ):
        await admitting(world, Workload.LIQUIDATOR, KEY, wall)()


@pytest.mark.parametrize("what", ["code", "roles"])
async def test_what_could_not_be_read_is_asked_again_until_it_is_known(
    wall: Wall, what: str
) -> None:
    world = World(**{what: Unread(reason="no node answers")})  # type: ignore[arg-type]
    async with running(admitting(world, Workload.LIQUIDATOR, KEY, wall)()) as (check,):
        await wall.pass_(60)
        assert not check.done(), "unknown is neither granted nor refused"
        setattr(world, what, getattr(World(), what))
        await wall.pass_(5)
        assert check.done()
        assert check.exception() is None


def test_without_a_key_there_is_nothing_to_look_at(wall: Wall) -> None:
    assert services(World(), None, None, wall) == ()
    assert len(services(World(), Workload.FEEDER, KEY, wall)) == 1
