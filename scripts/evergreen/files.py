"""Files and folders that take the place of others at once, and names in SQL."""

import contextlib
import ctypes
import errno
import hashlib
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

AT_FDCWD = {"linux": -100, "darwin": -2}
EXCHANGE = 2
"""RENAME_EXCHANGE of Linux and RENAME_SWAP of macOS are the same number."""
CANNOT_EXCHANGE = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EXDEV}


_umask_of_the_user: int | None = None


@contextlib.contextmanager
def private_files() -> Iterator[None]:
    """What is made meanwhile can be read by its owner only."""
    global _umask_of_the_user
    _umask_of_the_user = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(_umask_of_the_user)
        _umask_of_the_user = None


@contextlib.contextmanager
def shared_files() -> Iterator[None]:
    """What is made meanwhile is for readers: whom the user's umask lets in."""
    if _umask_of_the_user is None:
        yield
        return
    before = os.umask(_umask_of_the_user)
    try:
        yield
    finally:
        os.umask(before)


def hash_files(root: Path, patterns: Iterable[str]) -> str:
    """One hash of the names and contents of the files below a folder that fit a glob."""
    found = hashlib.sha256()
    for file in sorted({file for pattern in patterns for file in root.glob(pattern)}):
        if file.is_file() and "__pycache__" not in file.parts:
            found.update(str(file.relative_to(root)).encode() + b"\0")
            found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()


def swap_folder(aside: Path, target: Path) -> None:
    """The folder `aside` takes the name `target`; the old one, if any, goes."""
    if not target.exists():
        aside.rename(target)
        return
    if _exchange(aside, target):
        shutil.rmtree(aside, ignore_errors=True)
        return
    # A file system without exchange: for a moment there is no folder of this name.
    old = aside.with_suffix(".old")
    target.rename(old)
    try:
        aside.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Two folders take each other's name in one step, where the system can do that."""
    call = {"linux": "renameat2", "darwin": "renameatx_np"}.get(sys.platform)
    rename = getattr(ctypes.CDLL(None, use_errno=True), call, None) if call else None
    if rename is None:
        return False
    here = AT_FDCWD[sys.platform]
    if rename(here, os.fsencode(one), here, os.fsencode(other), ctypes.c_uint(EXCHANGE)) == 0:
        return True
    code = ctypes.get_errno()
    if code in CANNOT_EXCHANGE:
        return False
    raise OSError(code, os.strerror(code), str(other))


def write_whole(path: Path, text: str) -> None:
    """A small file that only its owner reads, and that nobody finds half written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(path)
        sync(path.parent)
    finally:
        aside.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Ask the disk to keep it: a swap must survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def quoted(text: str | Path) -> str:
    """A text as a literal of SQL."""
    return "'" + str(text).replace("'", "''") + "'"
