"""One command at a time works on a warehouse, and the next one knows who was before it."""

import contextlib
import fcntl
import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TextIO

from evergreen.errors import Locked
from evergreen.files import private_files
from evergreen.paths import Warehouse

LOOKS, PAUSE_S = 10, 0.1


@dataclass(frozen=True)
class Holder:
    """Who holds the warehouse, or held it last. `since` is UTC.

    `refresh_id`: the run that it makes. `is_released` is false where its process was killed.
    """

    process: int
    host: str
    since: str
    command: str
    refresh_id: str | None = None
    is_released: bool = False

    def words(self) -> str:
        """For people."""
        return f"`{self.command}`, process {self.process}, since {self.since} UTC, on {self.host}"


@dataclass
class Lock:
    """The lock while it is held. `before`: who held it last, None where nobody did."""

    handle: TextIO
    holder: Holder
    before: Holder | None

    @property
    def recovered(self) -> str | None:
        """A line for people where the holder before was killed."""
        if self.before is None or self.before.is_released:
            return None
        return (
            f"recovered: {self.before.words()}, was killed or the machine stopped; what it left "
            "half done was removed"
        )

    def note(self, **values: object) -> None:
        """Tell others more of who holds it."""
        self.holder = replace(self.holder, **values)
        self.handle.seek(0)
        self.handle.truncate(0)
        self.handle.write(json.dumps(asdict(self.holder)))
        self.handle.flush()


@contextlib.contextmanager
def lock(warehouse: Warehouse) -> Iterator[Lock]:
    """Hold the warehouse: one load, fit, refresh or rollback at a time. Raises Locked.

    The lock is the kernel's and ends with its process, also when that is killed; the file only
    says who. It holds between the processes of one machine, and on NFS between machines where the
    server knows locks (NFS 4): elsewhere let only one host refresh a warehouse. In a container the
    host is that of the container, and the process id is its own.
    """
    warehouse.folder.mkdir(parents=True, exist_ok=True)
    with open(warehouse.lock_file, "a+", opener=partial(os.open, mode=0o600)) as handle:
        _take(warehouse, handle)
        holder = Holder(os.getpid(), socket.gethostname(), _now(), _command())
        held = Lock(handle, holder, read_holder(warehouse))
        held.note()
        if held.recovered:
            _remove_leftovers(warehouse)
        with contextlib.suppress(OSError):  # dbt by itself makes it as the umask says
            warehouse.work_file.chmod(0o600)
        try:
            with private_files():
                yield held
        finally:
            with contextlib.suppress(OSError):  # a full disk must not hide what went wrong
                held.note(is_released=True)


def _take(warehouse: Warehouse, handle: TextIO) -> None:
    """Take the lock. Waits a moment first: `evergreen status` holds it as long as it looks."""
    for is_last in [False] * LOOKS + [True]:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if is_last:
                raise Locked(_refusal(warehouse, read_holder(warehouse))) from None
            time.sleep(PAUSE_S)


def read_holder(warehouse: Warehouse) -> Holder | None:
    """Who wrote into the lock file last; None where nobody did, or an older version."""
    try:
        return Holder(**json.loads(warehouse.lock_file.read_text()))
    except (OSError, ValueError, TypeError):
        return None


@contextlib.contextmanager
def looking(warehouse: Warehouse) -> Iterator[Holder | None]:
    """Who works on the warehouse now, by the kernel and not by the file; None where nobody does.

    Then nobody begins before the caller has looked: a working file that is open to be read cannot
    be opened to be written.
    """
    with contextlib.ExitStack() as stack:
        yield _look(warehouse, stack)


def _look(warehouse: Warehouse, stack: contextlib.ExitStack) -> Holder | None:
    try:
        handle = stack.enter_context(warehouse.lock_file.open())
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return read_holder(warehouse) or Holder(0, "unknown host", "unknown time", "evergreen")
    except OSError:  # no lock file: nobody ever worked on it
        return None
    return None


def _refusal(warehouse: Warehouse, holder: Holder | None) -> str:
    if holder is None or holder.is_released:  # it only looks, as `evergreen status` does
        return f"another command holds {warehouse.folder}. Wait for it to end."
    return (
        f"another command holds {warehouse.folder}: {holder.words()}. Wait for it to end, or stop "
        f"it there with `kill {holder.process}`. The lock goes with its process, also when that is "
        "killed: there is no file to delete."
    )


def _remove_leftovers(warehouse: Warehouse) -> None:
    """Files that a killed process was writing; no reader knows of them."""
    for folder, pattern in (
        (warehouse.folder, ".load-*"),
        (warehouse.folder, "baseline"),
        (warehouse.published_file.parent, ".*.new"),
        (warehouse.published_file.parent, ".*.new.wal"),
        (warehouse.versions_folder, ".*.new"),
    ):
        for path in folder.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _command() -> str:
    """The command as typed, without its options: they may hold what is nobody's business."""
    return " ".join([Path(sys.argv[0]).name or "python", *sys.argv[1:2]])


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
