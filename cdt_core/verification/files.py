"""The files of a treatment against the digests that its certificate and its crate have."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from cdt_core.provenance.document import readable
from cdt_core.provenance.merkle import file_digest, merkle_root
from cdt_core.verification.result import Check

__all__ = ["check_crate", "check_digests", "check_plan", "check_root"]

#: The files that the crate of every treatment lists.
_LISTED = ("plan.json", "certificate.json", "report.html")

Map = Callable[[Callable[[str], str], Iterable[str]], Iterator[str]]


def check_root(leaves: Mapping[str, str], root: str) -> Check:
    """The digests beside the envelope against the signed Merkle root."""
    found = merkle_root(leaves)
    if found != root:
        return Check(
            "merkle root",
            False,
            f"the list of digests in certificate.json has root {found[:16]}, but {root[:16]} was signed",
        )
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
    present = {
        path.relative_to(store).as_posix() for path in store.rglob("*") if path.is_symlink() or not path.is_dir()
    }
    names = sorted(leaves)
    for missing in names:
        if missing not in present:
            return Check(name, False, f"{_named(missing)} is missing")
        if not stat.S_ISREG((store / missing).lstat().st_mode):
            return Check(name, False, f"{_named(missing)} is no plain file")
    for path, found in zip(names, run(lambda item: _digest(store / item), names), strict=True):
        if found != leaves[path]:
            return Check(name, False, f"{_named(path)} is not what was written")
        advance((store / path).stat().st_size)
    extra = sorted(present - set(leaves))
    if extra:
        return Check(name, False, f"{readable(extra[0])} does not belong to the treatment")
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


def check_crate(folder: Path, root: str) -> Check:
    """``ro-crate-metadata.json``: the files that it must list are there with their SHA-256, and the store has that root."""
    name = "ro-crate"
    try:
        graph = json.loads((folder / "ro-crate-metadata.json").read_bytes())["@graph"]
        entities = {str(entity["@id"]): entity for entity in graph}
        for listed in _LISTED:
            if file_digest(folder / listed) != entities[listed]["sha256"]:
                return Check(name, False, f"{listed} is not the file that the crate describes")
        if entities["data.zarr/"]["identifier"] != f"merkle-sha256:{root}":
            return Check(name, False, "data.zarr is not the store that the crate describes")
    except KeyError as error:
        return Check(name, False, f"ro-crate-metadata.json does not list {error} as a treatment's does")
    except OSError as error:
        return Check(name, False, f"{Path(error.filename).name} cannot be read: {error.strerror}")
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        return Check(name, False, f"ro-crate-metadata.json cannot be read: {error}")
    listed_names = ", ".join(_LISTED)
    return Check(
        name, True, f"{listed_names} and data.zarr are as the crate lists them; the crate and the report are not signed"
    )
