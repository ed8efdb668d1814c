"""The files of a treatment against the digests that its certificate and its crate have."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from cdt_core.provenance.merkle import file_digest, merkle_root
from cdt_core.verification.result import Check

__all__ = ["check_crate", "check_digests", "check_plan", "check_root"]

Map = Callable[[Callable[[str], str], Iterable[str]], Iterator[str]]


def check_root(leaves: Mapping[str, str], root: str) -> Check:
    """The digests beside the envelope against the signed Merkle root."""
    found = merkle_root(leaves)
    if found != root:
        return Check("merkle root", False, f"the list of digests has root {found[:16]}, but {root[:16]} was signed")
    return Check("merkle root", True, f"{len(leaves)} files under the signed root {root[:16]}")


def check_plan(path: Path, digest: str) -> Check:
    """``plan.json`` against the signed digest."""
    try:
        found = file_digest(path)
    except OSError as error:
        return Check("plan", False, f"{path.name} cannot be read: {error.strerror}")
    if found != digest:
        return Check("plan", False, f"{path.name} has SHA-256 {found[:16]}, but {digest[:16]} was signed")
    return Check("plan", True, f"plan.json has the signed SHA-256 {digest[:16]}")


def check_digests(store: Path, leaves: Mapping[str, str], run: Map, advance: Callable[[int], None]) -> Check:
    """Every file of the store against its digest; names the first that is changed, missing, or not of the treatment."""
    name = "digests of the store"
    present = {path.relative_to(store).as_posix() for path in store.rglob("*") if not path.is_dir()}
    names = sorted(leaves)
    for missing in names:
        if missing not in present:
            return Check(name, False, f"{_named(missing)} is missing")
    for path, found in zip(names, run(lambda item: _digest(store / item), names), strict=True):
        if found != leaves[path]:
            return Check(name, False, f"{_named(path)} is not what was written")
        advance((store / path).stat().st_size)
    extra = sorted(present - set(leaves))
    if extra:
        return Check(name, False, f"{extra[0]} does not belong to the treatment")
    return Check(name, True, f"{len(leaves)} files have the SHA-256 that the certificate lists")


def _digest(path: Path) -> str:
    try:
        return file_digest(path)
    except OSError:
        return ""


def _named(path: str) -> str:
    variable, separator, index = path.partition("/c/")
    if separator:
        return f"chunk {index.replace('/', ', ')} of variable {variable!r}"
    return f"chunk of variable {path[:-2]!r}" if path.endswith("/c") else f"file {path}"


def check_crate(folder: Path) -> Check:
    """``ro-crate-metadata.json``: every file that it lists is there, with its SHA-256 where it gives one."""
    name = "ro-crate"
    try:
        graph = json.loads((folder / "ro-crate-metadata.json").read_bytes())["@graph"]
        entities = [(str(e["@id"]), e.get("sha256")) for e in graph if e.get("@type") == "File"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return Check(name, False, f"ro-crate-metadata.json cannot be read: {error}")
    for listed, digest in entities:
        path = folder / listed
        if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
            return Check(name, False, f"{listed} is listed, but is not there")
        if digest is not None and file_digest(path) != digest:
            return Check(name, False, f"{listed} is not the file that the crate describes")
    if not entities:
        return Check(name, False, "ro-crate-metadata.json lists no file")
    return Check(name, True, f"{len(entities)} files are as ro-crate-metadata.json lists them")
