"""From a workload's key in the settings to a signer."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from fleet.settings import Workload
from fleet.transactions.signer import LocalSigner
from fleet.wiring.signing import open_signer
from tests.unit.fleet.wiring.simulated import settings


@pytest.mark.parametrize("workload", [None, *Workload])
async def test_no_key_is_no_signer(workload: Workload | None) -> None:
    async with AsyncExitStack() as closing:
        assert await open_signer(settings(), workload, closing) is None


async def test_a_file_is_a_signer_of_this_process(tmp_path: Path) -> None:
    file = tmp_path / "feeder.key"
    file.write_text("0x" + "01" * 32)
    file.chmod(0o600)
    own = settings(keys={"feeder": {"private_key_file": str(file)}})
    async with AsyncExitStack() as closing:
        assert isinstance(await open_signer(own, Workload.FEEDER, closing), LocalSigner)
        assert await open_signer(own, Workload.FUNDING, closing) is None
