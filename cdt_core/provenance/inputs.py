"""Digests of what was read."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from attrs import frozen

from cdt_core.errors import ReaderError
from cdt_core.provenance.document import readable
from cdt_core.provenance.merkle import merkle_root

__all__ = ["FileDigests", "InputDigest"]

#: Inputs of more files than this (Zarr folders) are named as one, by their Merkle root.
_NAMED_FILES = 64
#: Read at once: small enough for the cache that hashing reads from.
_PIECE = 1 << 18


@frozen
class InputDigest:
    """An input: its name, its size in bytes, and a digest in hexadecimal.

    ``algorithm`` is ``"sha256"`` of a file; ``"merkleSha256"`` of many files; ``"sha256OfChunks"`` of a variable that was no
    local file: SHA-256 over the lines of the SHA-256 of its stored values, chunk by chunk in the order of the plan's grid.
    """

    name: str
    bytes: int
    digest: str
    algorithm: str = "sha256"


class FileDigests:
    """Digests of input files, made by a thread of its own while the files are treated; hashing releases the GIL.

    ``looks`` has path, size and time of change (ns) of each file, before anything of it was read for the digest.

    Raises
    ------
    ReaderError
        A file is not there.

    >>> with FileDigests([]) as digests:
    ...     digests.result()
    ()
    """

    def __init__(self, files: Sequence[str]) -> None:
        self._paths = sorted({os.path.abspath(name) for name in files})
        self.looks = [_look(path) for path in self._paths]
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="cdt-digest")
        self._futures = [self._pool.submit(self._digest, path) for path in self._paths]

    def __enter__(self) -> FileDigests:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _digest(self, path: str) -> str:
        digest = hashlib.sha256()
        piece = memoryview(bytearray(_PIECE))
        try:
            with open(path, "rb", buffering=0) as file:
                while not self._stopped.is_set() and (count := file.readinto(piece)):
                    digest.update(piece[:count])
        except OSError as error:
            raise ReaderError(f"{path}: cannot be read for its digest: {error.strerror}") from error
        return digest.hexdigest()

    def result(self) -> tuple[InputDigest, ...]:
        """The digests, with names relative to the folder that the files share: nothing else of the machine's paths.

        Raises
        ------
        ReaderError
            A file cannot be read any more, or is not what it was at the beginning.
        """
        paths = self._paths
        if not paths:
            return ()
        shared = os.path.commonpath([os.path.dirname(path) for path in paths])
        names = {path: readable(os.path.relpath(path, shared).replace(os.sep, "/")) for path in paths}
        digests = {path: future.result() for path, future in zip(paths, self._futures, strict=True)}
        for look in self.looks:
            if look != _look(look[0]):
                raise ReaderError(f"{look[0]}: changed while it was treated; nothing was kept, run it again")
        sizes = {path: size for path, size, _ in self.looks}
        if len(paths) > _NAMED_FILES:
            root = merkle_root({names[path]: digest for path, digest in digests.items()})
            name = f"{readable(os.path.basename(shared))} ({len(paths)} files)"
            return (InputDigest(name, sum(sizes.values()), root, "merkleSha256"),)
        return tuple(InputDigest(names[path], sizes[path], digests[path]) for path in paths)


def _look(path: str) -> tuple[str, int, int]:
    try:
        facts = os.stat(path)
    except OSError as error:
        raise ReaderError(f"{path}: cannot be read for its digest: {error.strerror}") from error
    return path, facts.st_size, facts.st_mtime_ns
