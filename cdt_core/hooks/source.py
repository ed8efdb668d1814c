"""Where a dataset comes from: a local path or any fsspec URL, with the small amount of I/O that readers share."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from attrs import frozen

from cdt_core.errors import ReaderError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = ["Source"]


@frozen
class Source:
    """One input: ``location`` is a local path or an fsspec URL (``"s3://bucket/x.zarr"``, ``"memory://a.npy"``).

    ``max_expanded_bytes`` caps what a reader may hold in memory for values that it cannot read lazily (compressed text,
    whole-file formats); past it, a :class:`ReaderError` says how to raise it.
    """

    location: str
    max_expanded_bytes: int = 4 << 30

    @property
    def is_local(self) -> bool:
        """True for a path on this machine."""
        return "://" not in self.location and "::" not in self.location

    @property
    def name(self) -> str:
        """The last part of the path, without a trailing slash."""
        return self.location.rstrip("/").rsplit("/", 1)[-1]

    @property
    def path(self) -> Path:
        """The local path.

        Raises
        ------
        ReaderError
            The source is a URL: the reader can only open local files.
        """
        if not self.is_local:
            raise ReaderError(f"{self.location}: this format can only be read from a local path; copy the file first")
        return Path(self.location)

    def filesystem(self) -> tuple[AbstractFileSystem, str]:
        """The fsspec file system and the path in it.

        Raises
        ------
        ReaderError
            The protocol is unknown, its driver is not installed, or the place cannot be reached.
        """
        import fsspec

        try:
            return cast("tuple[AbstractFileSystem, str]", fsspec.core.url_to_fs(self.location))
        except Exception as error:  # each file system has its own kinds
            raise ReaderError(f"{self.location}: cannot be reached: {type(error).__name__}: {error}") from error

    def is_dir(self) -> bool:
        """True for a folder (or key prefix)."""
        filesystem, path = self.filesystem()
        try:
            return bool(filesystem.isdir(path))
        except Exception as error:  # each file system has its own kinds
            raise ReaderError(f"{self.location}: cannot be reached: {type(error).__name__}: {error}") from error

    def open(self) -> IO[bytes]:
        """A seekable binary file.

        Raises
        ------
        ReaderError
            It does not exist, is a folder, or may not be read.
        """
        filesystem, path = self.filesystem()
        try:
            file = filesystem.open(path, "rb")
        except OSError as error:
            raise ReaderError(f"{self.location}: cannot be opened: {error.strerror or error}") from error
        except Exception as error:  # each file system has its own kinds
            raise ReaderError(f"{self.location}: cannot be opened: {type(error).__name__}: {error}") from error
        if not self.is_local:
            file.cdt_filesystem = filesystem  # an archive's file system closes its files when it goes away itself
        return cast("IO[bytes]", file)

    def head(self, count: int) -> bytes:
        """The first ``count`` bytes, fewer when the file is shorter; empty for a folder."""
        if self.is_dir():
            return b""
        with self.open() as file:
            return file.read(count)

    def check_cap(self, what: str, needed: int) -> None:
        """Refuse to hold ``needed`` bytes for ``what`` when that is more than ``max_expanded_bytes``.

        Raises
        ------
        ReaderError
            With both figures.
        """
        if needed > self.max_expanded_bytes:
            raise ReaderError(
                f"{self.location}: {what} takes {needed} bytes in memory, over the limit of {self.max_expanded_bytes} "
                "(max_expanded_bytes)"
            )
