"""From a location to a :class:`StoredDataset`: find the files, choose the reader, wrap what goes wrong."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from attrs import evolve

from cdt_core.errors import CdtError, ReaderError
from cdt_core.hooks.descriptor import Reader
from cdt_core.hooks.source import Source
from cdt_core.readers.stored import StoredDataset

__all__ = ["candidates", "open_stored"]

Location = str | os.PathLike[str]

_HEAD_BYTES = 4096
_WILDCARDS = frozenset("*?[")


def open_stored(
    location: Location | Sequence[Location], readers: Sequence[Reader], *, allow_partial: bool = False
) -> StoredDataset:
    """Open a path, folder, glob, fsspec URL, or a list of these as one dataset.

    Several files are joined along the dimension in which their coordinates differ (tables: along ``row``), lazily.

    Raises
    ------
    ReaderError
        Nothing there, an unknown format, or every reader's reason why it could not read the file; files of a list that
        do not fit together.
    """
    if isinstance(location, str | os.PathLike):
        places = _expanded(os.fspath(location))
        name = os.fspath(location)
    else:
        if not location:
            raise ReaderError("the list of files is empty")
        places = [place for item in location for place in _expanded(os.fspath(item))]
        name = f"{places[0]} and {len(places) - 1} more" if len(places) > 1 else places[0]
    opened = [_open_one(place, readers, allow_partial) for place in places]
    if len(opened) == 1:
        return opened[0]
    from cdt_core.readers.combine import combined

    return combined(opened, name)


def _expanded(place: str) -> list[str]:
    """The sorted matches of a glob; a name that exists is never a glob."""
    if not _WILDCARDS & set(place) or ("://" not in place and Path(place).exists()):
        return [place]
    if "://" in place or "::" in place:
        return _expanded_url(place)
    import glob

    found = sorted(glob.glob(place, recursive=True))
    if not found:
        raise ReaderError(f"{place}: no file matches this pattern")
    return found


def _expanded_url(place: str) -> list[str]:
    import fsspec

    try:
        filesystem, path = fsspec.core.url_to_fs(place)
        found = sorted(filesystem.glob(path))
    except Exception as error:  # every file system raises its own kinds
        raise ReaderError(f"{place}: cannot be listed: {type(error).__name__}: {error}") from error
    if not found:
        raise ReaderError(f"{place}: no file matches this pattern")
    return [filesystem.unstrip_protocol(str(item)) for item in found]


def _open_one(place: str, readers: Sequence[Reader], allow_partial: bool) -> StoredDataset:
    source = Source(place)
    reasons = []
    for reader in candidates(source, readers):
        try:
            return _read(source, reader, allow_partial)
        except ReaderError as error:
            reasons.append((reader.name, error))
    if len(reasons) == 1:
        raise reasons[0][1]
    listed = "".join(f"\n  as {name}: {error}" for name, error in reasons)
    raise ReaderError(f"{place}: no reader could open it:{listed}") from reasons[0][1]


def _read(source: Source, reader: Reader, allow_partial: bool) -> StoredDataset:
    from cdt_core.readers.flatten import flatten

    try:
        raw = reader.load()(source, allow_partial)
        stored = flatten(raw, source.location, allow_partial)
    except CdtError as error:
        message = str(error)
        prefix = "" if source.location in message else f"{source.location}: "
        raise ReaderError(f"{prefix}{message}") from error
    except MemoryError as error:
        raise ReaderError(f"{source.location}: there is not enough memory to open it") from error
    except RecursionError as error:
        raise ReaderError(f"{source.location}: is nested too deeply") from error
    except Exception as error:  # whatever a format's library raises on a damaged file
        reason = f"{type(error).__name__}: {error}"
        raise ReaderError(f"{source.location}: cannot be read as {reader.name}: {reason}") from error
    files = stored.files or tuple(_local_files(source))
    return evolve(stored, files=files)


def _local_files(source: Source) -> list[str]:
    if not source.is_local:
        return []
    path = source.path
    if path.is_dir():
        return sorted(str(item) for item in path.rglob("*") if item.is_file())
    return [str(path)]


def candidates(source: Source, readers: Sequence[Reader]) -> list[Reader]:
    """The readers to try, best first, chosen by name, first bytes and markers alone; no reader is imported.

    Raises
    ------
    ReaderError
        Nothing is there, it is empty, or no reader knows it: the formats that are known are listed.
    """
    if not _exists(source):
        raise ReaderError(f"{source.location}: no such file or folder")
    if source.is_dir():
        names = _folder_names(source)
        found = [reader for reader in readers if reader.directories and _marked(reader, names)]
        if not found and {"data.zarr", "certificate.json"} <= names:
            raise ReaderError(
                f"{source.location}: a treatment; its values are in {source.location.rstrip('/')}/data.zarr"
            )
        return _ranked(source, found) or _unknown(
            source,
            readers,
            "a folder without the files that mark a format (for the files in it, give a pattern such as 'folder/*.nc')",
        )
    head = source.head(_HEAD_BYTES)
    if not head:
        raise ReaderError(f"{source.location}: the file is empty")
    by_magic = [reader for reader in readers if any(_has(head, m.offset, m.signature) for m in reader.magic)]
    if head[:4] == b"PK\x03\x04":
        names = _archive_names(source)
        by_magic = [r for r in by_magic if not r.markers or _marked(r, names)]
    by_name = [reader for reader in readers if _matches(source, reader)]
    found = by_magic + [reader for reader in by_name if not reader.magic] or by_name
    return _ranked(source, found, by_magic) or _unknown(source, readers, f"unknown format (starts with {head[:8]!r})")


def _ranked(source: Source, found: Sequence[Reader], by_magic: Sequence[Reader] = ()) -> list[Reader]:
    return sorted(found, key=lambda r: (r not in by_magic, not _matches(source, r), -r.priority))


def _has(head: bytes, offset: int, signature: bytes) -> bool:
    return head[offset : offset + len(signature)] == signature


def _matches(source: Source, reader: Reader) -> bool:
    return any(fnmatchcase(source.name.lower(), pattern) for pattern in reader.patterns)


def _marked(reader: Reader, names: set[str]) -> bool:
    return any(fnmatchcase(name, marker) for marker in reader.markers for name in names)


def _unknown(source: Source, readers: Sequence[Reader], why: str) -> Any:
    named = (f"{reader.name} ({' '.join(reader.patterns) or 'by content'})" for reader in readers)
    known = ", ".join(named) or "none"
    raise ReaderError(f"{source.location}: {why}; readers are installed for: {known}")


def _exists(source: Source) -> bool:
    filesystem, path = source.filesystem()
    try:
        return bool(filesystem.exists(path))
    except Exception as error:  # each file system has its own kinds
        raise ReaderError(f"{source.location}: cannot be reached: {type(error).__name__}: {error}") from error


def _folder_names(source: Source) -> set[str]:
    filesystem, path = source.filesystem()
    try:
        return {str(item).rstrip("/").rpartition("/")[2] for item in filesystem.ls(path, detail=False)}
    except OSError as error:
        raise ReaderError(f"{source.location}: the folder cannot be listed: {error.strerror or error}") from error


def _archive_names(source: Source) -> set[str]:
    """The last part of the name of every member of a zip archive."""
    import zipfile

    try:
        with source.open() as file, zipfile.ZipFile(file) as archive:
            return {name.rstrip("/").rpartition("/")[2] for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise ReaderError(f"{source.location}: a damaged or truncated zip archive: {error}") from error
