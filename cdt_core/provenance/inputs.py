"""Digests of what was read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from attrs import frozen

from cdt_core.errors import ReaderError
from cdt_core.provenance.merkle import file_digest, merkle_root

__all__ = ["InputDigest", "digest_files"]

#: Inputs of more files than this (Zarr folders) are named as one, by their Merkle root.
_NAMED_FILES = 64


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


def digest_files(
    files: Sequence[str], run: Callable[[Callable[[str], str], Iterable[str]], Iterator[str]]
) -> tuple[InputDigest, ...]:
    """The digest of each file, with names relative to the folder that they share: nothing else of the machine's paths.

    ``run(function, items)`` is an ordered map.

    Raises
    ------
    ReaderError
        A file cannot be read any more.
    """
    paths = sorted({os.path.abspath(name) for name in files})
    if not paths:
        return ()
    shared = os.path.dirname(paths[0]) if len(paths) == 1 else os.path.commonpath([os.path.dirname(p) for p in paths])
    digests = dict(zip(paths, run(_digest, paths), strict=True))
    sizes = {path: os.stat(path).st_size for path in paths}
    names = {path: os.path.relpath(path, shared).replace(os.sep, "/") for path in paths}
    if len(paths) > _NAMED_FILES:
        root = merkle_root({names[path]: digest for path, digest in digests.items()})
        name = f"{os.path.basename(shared)} ({len(paths)} files)"
        return (InputDigest(name, sum(sizes.values()), root, "merkleSha256"),)
    return tuple(InputDigest(names[path], sizes[path], digests[path]) for path in paths)


def _digest(path: str) -> str:
    try:
        return file_digest(Path(path))
    except OSError as error:
        raise ReaderError(f"{path}: cannot be read for its digest: {error.strerror}") from error
