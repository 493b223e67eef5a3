"""The last published versions, kept to go back to: one file each, a hard link where there are."""

import contextlib
import os
import shutil
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb

from evergreen.errors import EvergreenError, InputRefused, NothingToDo, PublishFailed
from evergreen.files import shared_files, sync
from evergreen.paths import Warehouse

DEFAULT_KEPT = 3


@dataclass(frozen=True)
class Version:
    """A published version that is kept. `is_read`: readers see it now. Times are UTC."""

    refresh_id: str
    file: Path
    as_of_date: date | None
    published_at: datetime | None
    customer_count: int
    is_read: bool


def check_kept(count: object) -> int:
    """The var keep_versions. Raises InputRefused where it is no number of versions."""
    if type(count) is not int or count < 1:
        raise InputRefused(f"keep_versions: {count} is no number of versions such as 3.")
    return count


def version_of(file: Path) -> str | None:
    """Id of the refresh that published the file; None where it cannot be read or has no runs."""
    with contextlib.suppress(duckdb.Error), duckdb.connect(str(file), read_only=True) as con:
        return con.execute(
            "select max(refresh_id) from marts.refreshes where is_published"
        ).fetchone()[0]
    return None


def keep(warehouse: Warehouse) -> str | None:
    """Keep the version that readers see, and give its id. The swap does not touch kept files."""
    refresh_id = version_of(warehouse.published_file)
    if refresh_id:
        warehouse.versions_folder.mkdir(mode=0o700, exist_ok=True)
        place_beside(warehouse.published_file, _file(warehouse, refresh_id))
    return refresh_id


def place_beside(source: Path, target: Path) -> None:
    """`target` becomes the same file as `source` at once, or a copy where no link can be made."""
    if target.exists() and target.samefile(source):
        return
    aside = target.with_name(f".{target.name}.{os.getpid()}.new")
    aside.unlink(missing_ok=True)
    try:
        try:
            aside.hardlink_to(source)
        except OSError:  # a file system without hard links
            shutil.copyfile(source, aside)
            sync(aside)
        aside.replace(target)
        sync(target.parent)
    finally:
        aside.unlink(missing_ok=True)


def drop_old(warehouse: Warehouse, count: int) -> None:
    """Keep the newest versions only, and the one that readers see."""
    read = version_of(warehouse.published_file)
    for file in _files(warehouse)[count:]:
        if file.stem != read:
            file.unlink(missing_ok=True)


def list_versions(warehouse: Warehouse) -> list[Version]:
    """What is kept, newest first. Files that cannot be read are left out."""
    read = version_of(warehouse.published_file)
    found = []
    for file in _files(warehouse):
        with contextlib.suppress(duckdb.Error), duckdb.connect(str(file), read_only=True) as con:
            as_of, customers = con.execute(
                "select max(as_of_date), count(*) from marts.customers"
            ).fetchone()
            ended = con.execute(
                "select ended_at from marts.refreshes where refresh_id = $1", [file.stem]
            ).fetchone()
            found.append(
                Version(
                    file.stem,
                    file,
                    as_of,
                    ended[0] if ended else None,
                    customers,
                    file.stem == read,
                )
            )
    return found


def rollback(warehouse: Warehouse, refresh_id: str | None = None) -> tuple[str | None, Version]:
    """Swap a kept version in for readers: by default the one before what they see.

    Gives the id that readers saw and the version that they see now. The caller holds the lock.
    Raises NothingToDo and PublishFailed; then readers see what they saw.
    """
    versions = list_versions(warehouse)
    read = version_of(warehouse.published_file)
    chosen = _choose(versions, read, refresh_id)
    wal = Path(f"{warehouse.published_file}.wal")
    if wal.exists():
        raise PublishFailed(
            f"{wal} lies beside the published file: a program opened that file for writing. Close "
            "it, delete the .wal, and let readers open the file read-only."
        )
    if read:  # of a version that was published before versions were kept
        with contextlib.suppress(OSError):
            keep(warehouse)
    try:
        warehouse.published_file.parent.mkdir(parents=True, exist_ok=True)
        with shared_files():
            place_beside(chosen.file, warehouse.published_file)
    except OSError as error:
        raise PublishFailed(f"could not swap in {chosen.file}: {error}") from error
    return read, chosen


def note_rollback(warehouse: Warehouse, before: str | None, chosen: Version) -> str | None:
    """Write the rollback into the ledger. Gives why not where the working file cannot be opened:
    readers are served all the same."""
    from evergreen.run_log import RefreshLog

    try:
        log = RefreshLog(warehouse, "")
    except EvergreenError as error:
        return str(error)
    log.end(
        "rolled_back_to",
        landing=None,
        as_of_date=chosen.as_of_date,
        message=f"readers see {chosen.refresh_id} again, in place of {before or 'nothing'}",
    )
    return None


def _choose(versions: list[Version], read: str | None, refresh_id: str | None) -> Version:
    kept = ", ".join(version.refresh_id for version in versions) or "none"
    if refresh_id:
        for version in versions:
            if version.refresh_id == refresh_id:
                if version.is_read:
                    raise NothingToDo(f"readers see {refresh_id} already. Kept: {kept}.")
                return version
        raise NothingToDo(f"no version {refresh_id} is kept. Kept: {kept}.")
    older = [version for version in versions if read is None or version.refresh_id < read]
    if not older:
        raise NothingToDo(
            f"no version older than {read or 'what readers see'} is kept. Kept: {kept}. The var "
            "keep_versions says how many are."
        )
    return older[0]


def _file(warehouse: Warehouse, refresh_id: str) -> Path:
    return warehouse.versions_folder / f"{refresh_id}.duckdb"


def _files(warehouse: Warehouse) -> list[Path]:
    """Kept files, newest first: ids begin with the year and sort by time. Others are not ours."""
    return sorted(warehouse.versions_folder.glob("[0-9]*.duckdb"), reverse=True)
