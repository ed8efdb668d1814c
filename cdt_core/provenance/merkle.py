"""A Merkle tree over the files of a folder, so that one digest stands for all and one file can be proved alone.

Leaves are sorted by path; a leaf is ``SHA-256(0x00 || path || 0x00 || digest)`` and a node ``SHA-256(0x01 || left ||
right)``, with the tree's shape and the separation of leaves from nodes of RFC 6962, section 2.1. The path is part of the
leaf, so that files cannot change places.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["file_digest", "inclusion_proof", "leaves_of_folder", "merkle_root", "proof_holds"]


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal; reads 1 MiB at a time."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def leaves_of_folder(folder: Path) -> dict[str, str]:
    """SHA-256 of every file under ``folder``, by its path relative to it (with ``/``); sorted. Links are not followed."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {path.relative_to(folder).as_posix(): file_digest(path) for path in files}


def merkle_root(leaves: Mapping[str, str]) -> str:
    """The root over ``path -> SHA-256 (hexadecimal)``; the SHA-256 of nothing when there are no leaves."""
    level = [_leaf(path, leaves[path]) for path in sorted(leaves)]
    if not level:
        return hashlib.sha256(b"").hexdigest()
    while len(level) > 1:
        level = [_node(*level[i : i + 2]) if i + 1 < len(level) else level[i] for i in range(0, len(level), 2)]
    return level[0].hex()


def inclusion_proof(leaves: Mapping[str, str], path: str) -> list[tuple[str, str]]:
    """What :func:`proof_holds` needs for one file: (side, digest) of each sibling, from the leaf to the root.

    Raises
    ------
    KeyError
        ``path`` is no leaf.
    """
    names = sorted(leaves)
    if path not in leaves:
        raise KeyError(path)
    position = names.index(path)
    level = [_leaf(name, leaves[name]) for name in names]
    proof: list[tuple[str, str]] = []
    while len(level) > 1:
        sibling = position ^ 1
        if sibling < len(level):
            proof.append(("left" if sibling < position else "right", level[sibling].hex()))
        level = [_node(*level[i : i + 2]) if i + 1 < len(level) else level[i] for i in range(0, len(level), 2)]
        position //= 2
    return proof


def proof_holds(path: str, digest: str, proof: Sequence[tuple[str, str]], root: str) -> bool:
    """True when the file ``path`` of that SHA-256 is under ``root``."""
    node = _leaf(path, digest)
    for side, sibling in proof:
        other = bytes.fromhex(sibling)
        node = _node(other, node) if side == "left" else _node(node, other)
    return node.hex() == root


def _leaf(path: str, digest: str) -> bytes:
    return hashlib.sha256(b"\x00" + path.encode() + b"\x00" + bytes.fromhex(digest)).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
