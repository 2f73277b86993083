"""A journal as the next process finds it whose predecessor is gone."""

from sqlalchemy import update

from fleet.runtime.process import Process, this_process
from fleet.store.engine import Database
from fleet.store.journal import StoredJournal
from fleet.store.lease import Claim, acquire
from fleet.store.tables import leases
from units import Address


async def inherit(database: Database, name: str, account: Address) -> StoredJournal:
    """Every lease of the store has run out, and a new process takes this one."""
    async with database.writing() as connection:
        await connection.execute(update(leases).values(expires_ms=0))
    this = this_process()
    process = Process(id=this.id, host=this.host, pid=this.pid, mark="")
    claim = Claim(name=name, account=account)
    (lease,) = await acquire(database, claim, process=process, ttl_s=3_600)
    return StoredJournal(database, lease)
