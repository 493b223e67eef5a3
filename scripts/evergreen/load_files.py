"""What lies in the landing folder, and whether each file can be trusted: no database here."""

import codecs
import gzip
import hashlib
import os
import shutil
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evergreen.errors import InputRefused
from evergreen.paths import DEMO_MARKER

# Longest suffix first, so that `.csv.gz` is not taken for `.gz`.
FORMATS = {
    ".csv.gz": "csv",
    ".jsonl.gz": "json",
    ".ndjson.gz": "json",
    ".csv": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
}
UNFINISHED_SUFFIXES = (".tmp", ".part", ".crdownload")
CHUNK_BYTES = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class LandedFile:
    """A data file: its table (stem or folder name), its name below the landing folder, its path."""

    stem: str
    name: str
    path: Path
    format: str
    is_gzip: bool


@dataclass(frozen=True)
class Landing:
    """All that lies in the landing folder; names are relative to it, with forward slashes."""

    folder: Path
    files: tuple[LandedFile, ...]
    waiting: tuple[str, ...]
    others: tuple[str, ...]


@dataclass(frozen=True)
class Fingerprint:
    """SHA-256 and size in bytes of a file, as it lies on disk."""

    content_hash: str
    size_bytes: int


@dataclass(frozen=True)
class TextFacts:
    """What one pass over a text file tells.

    `line_count` leaves out blank lines at the end; `is_uniform` is false when line feeds with and
    without carriage return are mixed, or a carriage return stands alone.
    """

    line_count: int
    is_uniform: bool
    ends_with_newline: bool


def discover(folder: Path) -> Landing:
    """List the landing folder. Raises InputRefused if it is not there or points out of itself."""
    if folder.is_file():
        raise InputRefused(f"{folder} is a file. Name the folder that holds it.")
    if not folder.is_dir():
        raise InputRefused(
            f"The landing folder {folder} is not there. "
            "Make it and put your files in it, or name another folder."
        )
    root = folder.resolve()
    files, waiting, others = [], [], []
    for path in _walk(root):
        name = path.relative_to(root).as_posix()
        if name == DEMO_MARKER:
            continue
        _check_name(name)
        kind = _format_of(path.name)
        if path.name.startswith(".") or path.name.lower().endswith(UNFINISHED_SUFFIXES):
            waiting.append(name)
        elif kind is None:
            others.append(name)
        else:
            _check_inside(root, path, name)
            if not path.is_file():
                others.append(name)
                continue
            suffix, file_format = kind
            parts = path.relative_to(root).parts
            stem = parts[0] if len(parts) > 1 else path.name[: -len(suffix)]
            files.append(LandedFile(stem, name, path, file_format, suffix.endswith(".gz")))
    return Landing(root, tuple(files), tuple(waiting), tuple(others))


def check_readable(files: Sequence[LandedFile]) -> None:
    """Refuse, by name, all files that may not be read."""
    unreadable = []
    for file in files:
        try:
            file.path.open("rb").close()
        except OSError:
            unreadable.append(file.name)
    if unreadable:
        raise InputRefused(
            f"{len(unreadable)} of {len(files)} files cannot be read: {', '.join(unreadable)}. "
            "Give the user that runs Evergreen the right to read them (chmod a+r), or remove them."
        )


def fingerprint(file: LandedFile) -> Fingerprint | None:
    """Hash a file; None if it was written to, or taken away, meanwhile."""
    digest = hashlib.sha256()
    try:
        before = file.path.stat()
        with file.path.open("rb") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                digest.update(chunk)
        after = file.path.stat()
    except FileNotFoundError:
        return None
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        return None
    return Fingerprint(digest.hexdigest(), after.st_size)


def check_text(file: LandedFile) -> TextFacts:
    """Read a text file once, completely: encoding, NUL bytes, line ends."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line_feeds = carriage_returns = pairs = content_lines = size = 0
    previous = b""
    for chunk in _chunks(file):
        if size == 0:
            _check_start(file, chunk)
        _check_bytes(file, decoder, chunk, line_feeds)
        content = chunk.rstrip(b"\r\n")
        if content:
            content_lines = line_feeds + content.count(b"\n") + 1
        line_feeds += chunk.count(b"\n")
        carriage_returns += chunk.count(b"\r")
        pairs += chunk.count(b"\r\n") + (previous == b"\r" and chunk[:1] == b"\n")
        size += len(chunk)
        previous = chunk[-1:]
    if size == 0:
        raise InputRefused(
            f"{file.name}: the file holds no bytes, so not even a header. "
            "A table without rows needs its header line; else remove the file."
        )
    _check_bytes(file, decoder, b"", line_feeds, is_last=True)
    is_uniform = carriage_returns == pairs and pairs in (0, line_feeds)
    return TextFacts(content_lines, is_uniform, previous in (b"\n", b"\r"))


def text_lines(file: LandedFile) -> Iterator[str]:
    """The lines of a checked text file, cut at line feeds only, without the byte order mark."""
    with file.path.open(encoding="utf-8-sig", newline="\n") as stream:
        yield from stream


def unpack(file: LandedFile, target: Path) -> None:
    """Unpack a gzip file of any number of members. Raises InputRefused if it is not whole."""
    _check_gzip_start(file)
    try:
        with gzip.open(file.path) as stream, target.open("wb") as unpacked:
            shutil.copyfileobj(stream, unpacked, CHUNK_BYTES)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputRefused(
            f"{file.name}: the gzip file is incomplete or damaged ({error}). Deliver it again."
        ) from None


def _walk(root: Path) -> list[Path]:
    """Files at the top and one or more folders down, by name; links to folders are not followed."""

    def refuse(error: OSError) -> None:
        raise InputRefused(
            f"The folder {error.filename} cannot be listed. "
            "Give the user that runs Evergreen the right to read it."
        )

    found = []
    for folder, folders, names in os.walk(root, onerror=refuse):
        here = Path(folder)
        hidden = [name for name in folders if name.startswith(".")]
        for name in hidden:
            folders.remove(name)
        for name in folders:
            _check_inside(root, here / name, (here / name).relative_to(root).as_posix())
        found += [here / name for name in [*names, *hidden]]
    return sorted(found)


def _format_of(name: str) -> tuple[str, str] | None:
    lowered = name.lower()
    for suffix, file_format in FORMATS.items():
        if lowered.endswith(suffix):
            return suffix, file_format
    return None


def _check_name(name: str) -> None:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise InputRefused(
            f"{os.fsencode(name)!r}: the name of the file is not UTF-8. Rename it."
        ) from None


def _check_inside(root: Path, path: Path, name: str) -> None:
    try:
        target = path.resolve()
    except RuntimeError:
        raise InputRefused(
            f"{name}: a link that leads back to itself. Put the file itself in its place."
        ) from None
    if not target.is_relative_to(root):
        raise InputRefused(
            f"{name}: a link to {target}, outside the landing folder. "
            "Copy the file into the landing folder; links out of it are not followed."
        )


def _chunks(file: LandedFile) -> Iterator[bytes]:
    with file.path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk


def _check_gzip_start(file: LandedFile) -> None:
    with file.path.open("rb") as stream:
        start = stream.read(2)
    if start and start != GZIP_MAGIC:
        raise InputRefused(
            f"{file.name}: named .gz, but not packed with gzip (it starts with {start!r}). "
            "Pack it, or take .gz off its name."
        )
    if not start:
        raise InputRefused(f"{file.name}: the file holds no bytes. Deliver it again.")


def _check_start(file: LandedFile, chunk: bytes) -> None:
    """Refuse what is not UTF-8 text by its first bytes."""
    encoding = None
    if chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "UTF-16"
    elif b"\x00" in chunk[:4] and b"\x00" in chunk[1::2] + chunk[::2]:
        evens, odds = chunk[:200:2].count(0), chunk[1:200:2].count(0)
        encoding = "UTF-16" if max(evens, odds) > 0.8 * len(chunk[:200:2]) else None
    if encoding:
        raise InputRefused(
            f"{file.name}, line 1: the text is not UTF-8, it looks like {encoding}. "
            "Save it as UTF-8."
        )
    if chunk.startswith(GZIP_MAGIC):
        raise InputRefused(
            f"{file.name}: the file is packed with gzip, but its name does not end in .gz. "
            "Add .gz to its name, or unpack it."
        )


def _check_bytes(
    file: LandedFile,
    decoder: codecs.IncrementalDecoder,
    chunk: bytes,
    lines_before: int,
    is_last: bool = False,
) -> None:
    """Refuse NUL bytes and bytes that are not UTF-8, with the line of the first."""
    nul = chunk.find(b"\x00")
    if nul >= 0:
        line = lines_before + chunk[:nul].count(b"\n") + 1
        raise InputRefused(
            f"{file.name}, line {line}: a NUL byte, so this is no text file (binary, damaged, or "
            "UTF-16). Export it again as UTF-8 text."
        )
    pending = decoder.getstate()[0]
    try:
        decoder.decode(chunk, final=is_last)
    except UnicodeDecodeError as error:
        # The decoder holds back the start of a character cut in two by the chunk's end.
        bad = max(error.start - len(pending), 0)
        line = lines_before + chunk[:bad].count(b"\n") + 1
        found = error.object[error.start : error.start + 1]
        raise InputRefused(
            f"{file.name}, line {line}: the byte {found!r} is not UTF-8; it looks like Latin-1 "
            "(Windows-1252). Save the file as UTF-8."
        ) from None
