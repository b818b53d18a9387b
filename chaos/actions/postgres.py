"""Actions on PostgreSQL: hold a lock, terminate back ends.

Annotations stay real types here: `chaos discover` reads them.
"""

from chaos import theatre
from chaos.outages.locks import HeldLock, terminate


def hold_lock(
    table: str = "",
    row: int = -1,
    advisory_key: int = -1,
    mode: str = "ACCESS EXCLUSIVE",
    server: str = "postgres",
    database: str = "shop",
) -> None:
    """Hold a lock until `lift_faults`: on a table in a mode, on the row with an id, or an advisory one.

    It hangs on a connection of ours, so it ends when this process does.
    """
    key, number = int(advisory_key), int(row)
    what = (
        f"advisory lock {key}"
        if key >= 0
        else f"{table} row {number}"
        if number >= 0
        else f"{table} in {mode}"
    )
    lock = HeldLock(
        theatre.current().stage.server(server),
        database=database,
        table=table,
        row=number if number >= 0 else None,
        key=key if key >= 0 else None,
        mode=mode,
    )
    theatre.current().open_fault(f"lock on {what}", {server: lock})


def terminate_backends(application: str = "", database: str = "", server: str = "postgres") -> int:
    """End every client's back end, or those of an application or a database; returns how many."""
    performance = theatre.current()
    ended = terminate(performance.stage.server(server), application, database)
    performance.note("back ends terminated", server, ended, "back ends terminated")
    return ended
