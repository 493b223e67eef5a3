"""Errors that a user can act on. The command line prints them without a traceback."""

import errno
import re
from pathlib import Path


class EvergreenError(Exception):
    """A message that names file, place and remedy, and the exit code of the command.

    Exit codes: 0 done, 1 a fault of Evergreen itself, 2 wrong usage, 3 input refused,
    4 build failed, 5 audit failed, 6 the warehouse is in use, 7 could not publish, 8 `status` found
    a problem, 9 `fit` kept the last parameters, 10 the machine has no room, no right or no memory,
    11 the working file is damaged, 12 nothing to resume or to roll back to,
    13 an erasure left something to do.
    """

    exit_code = 1
    status = "refused"
    """What `raw.refreshes` says of a run that ends with it."""


class InputRefused(EvergreenError):
    """Nothing was changed: the input cannot be loaded as it stands."""

    exit_code = 3


class BuildFailed(EvergreenError):
    """dbt could not build the marts, or one of its tests failed."""

    exit_code = 4
    status = "build_failed"


class AuditFailed(EvergreenError):
    """A critical expectation failed."""

    exit_code = 5
    status = "audit_failed"


class Locked(EvergreenError):
    """Another command holds the warehouse, or another program the working file."""

    exit_code = 6


class PublishFailed(EvergreenError):
    """The marts are built and audited, but could not be swapped in."""

    exit_code = 7
    status = "publish_failed"


class MachineFailed(EvergreenError):
    """The disk is full, a folder cannot be written to, or the memory does not suffice."""

    exit_code = 10
    status = "machine_failed"


class WorkFileDamaged(EvergreenError):
    """The working file is no DuckDB file any more, or some of its blocks are not."""

    exit_code = 11
    status = "damaged"


class NothingToDo(EvergreenError):
    """There is nothing to resume, or no version to roll back to."""

    exit_code = 12


class EraseIncomplete(EvergreenError):
    """A person was erased, but something is left to do: run the command again."""

    exit_code = 13

    def __init__(self, problems: list[str], receipt: object) -> None:
        super().__init__(
            "the erasure is not complete: " + " ".join(problems) + f" Receipt: {receipt}. "
            "Mend the cause and run the command again."
        )
        self.problems = problems


FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
SAYS_FULL = re.compile(
    r"no space left|disk quota|file too large|could not write all bytes|max_temp_directory_size",
    re.I,
)
SAYS_FORBIDDEN = re.compile(
    r"permission denied|read-only file ?system|operation not permitted", re.I
)
SAYS_MEMORY = re.compile(
    r"out of memory|cannot allocate memory|could not allocate|failed to pin", re.I
)
SAYS_DAMAGED = re.compile(
    r"not a valid duckdb database file|corrupt database|computed checksum|serialization error|"
    r"database has been invalidated",
    re.I,
)


def machine_error(error: BaseException, warehouse: Path, work_file: Path) -> EvergreenError | None:
    """The same error as one that says what to do about the machine or the working file.

    None where it is neither a full disk, a forbidden folder, too little memory nor a damaged file.
    """
    # Rows that a failed test shows are data, and may say anything.
    text = "\n".join(line for line in str(error).splitlines() if not line.startswith("  row: "))
    number = error.errno if isinstance(error, OSError) else None
    told = _told(text)
    if number in FULL or SAYS_FULL.search(text):
        return MachineFailed(
            f"no room to write: {told} {SAFE} Make room on the disk of {warehouse} (df -h "
            f"{warehouse}; the working file, what it spills to {warehouse / 'tmp'} and a new "
            "published file all need it) or raise the limit of file sizes (ulimit -f), then "
            "`evergreen refresh --resume`."
        )
    if isinstance(error, MemoryError) or SAYS_MEMORY.search(text):
        return MachineFailed(
            f"not enough memory: {told} {SAFE} Let DuckDB take less, so that it spills to disk "
            "instead: EVERGREEN_MEMORY_LIMIT=4GB (default 8GB, or half of what the machine has), "
            "or end other programs, then `evergreen refresh --resume`."
        )
    if number in FORBIDDEN or SAYS_FORBIDDEN.search(text):
        return MachineFailed(
            f"not allowed to write or read: {told} {SAFE} The user who runs Evergreen must own "
            f"{warehouse} and all in it (ls -ld {warehouse}; chown -R USER {warehouse}), its disk "
            "must be mounted for writing, and landed files must be readable; then refresh again."
        )
    if SAYS_DAMAGED.search(text):
        return WorkFileDamaged(
            f"{work_file} is damaged: {told} {SAFE} Move it away and refresh again; it is built "
            f"anew from what landed:\n"
            f"  mv {work_file} {work_file}.damaged\n"
            f"  rm -f {work_file}.wal\n"
            "  evergreen refresh --landing DIR   (as you always call it)\n"
            "Rows of files that have left the landing folder were only there: put these files "
            "back first. marts.row_accounting of the published version names all files."
        )
    return None


SAFE = "The published version is as it was."


def _told(text: str) -> str:
    """The first lines of an error, as one sentence."""
    lines = [line.strip() for line in text.splitlines() if line.strip()][:6]
    told = " ".join(lines)[:600].rstrip()
    return told if told.endswith((".", "!")) else f"{told}."
