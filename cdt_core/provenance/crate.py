"""The output folder as an RO-Crate (Research Object Crate, https://w3id.org/ro/crate), written with rocrate."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from cdt_core.provenance.inputs import InputDigest
from cdt_core.provenance.merkle import file_digest

__all__ = ["CrateContent", "crate_document"]

_FILES = {
    "plan.json": "How each variable is stored; can be replayed",
    "certificate.json": "Signed statement (in-toto Statement v1 in a DSSE envelope) of what was measured",
    "report.html": "Report for people: before, after, errors, findings",
}


@frozen(kw_only=True)
class CrateContent:
    """What the crate says of a treatment. Times are ISO 8601; ``software`` maps names to versions, ``cdt`` among them."""

    title: str
    description: str
    inputs: Sequence[InputDigest]
    variables: Sequence[tuple[str, str, str]]
    attributes: Mapping[str, Any]
    software: Mapping[str, str]
    started: str
    ended: str
    level: str
    stored_bytes: int
    merkle_root: str


def crate_document(folder: Path, content: CrateContent) -> str:
    """The text of ``ro-crate-metadata.json`` for ``folder``, whose other files are in place.

    The source's own licence, creator and references (attributes of the ACDD and CF conventions) become the dataset's.
    """
    from rocrate.rocrate import ROCrate

    crate = ROCrate()
    crate.name, crate.description = content.title, content.description
    crate.datePublished = content.ended
    for key, value in _from_attributes(content.attributes).items():
        crate.root_dataset[key] = value
    store = crate.add_dataset(folder / "data.zarr", "data.zarr", properties=_store(content))
    parts = [crate.add_file(folder / name, name, properties=_file(folder / name)) for name in _FILES]
    software = [_software(crate, name, version) for name, version in content.software.items()]
    inputs = [_input(crate, position, item) for position, item in enumerate(content.inputs)]
    properties = {"name": "cdt treat", "startTime": content.started, "endTime": content.ended}
    action = crate.add_action(
        software[0], identifier="#treatment", object=inputs, result=[store, *parts], properties=properties
    )
    action["softwareRequirements"] = software[1:]
    crate.root_dataset["variableMeasured"] = [_variable(crate, *item) for item in content.variables]
    return json.dumps(crate.metadata.generate(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _store(content: CrateContent) -> dict[str, Any]:
    return {
        "name": "The treated dataset",
        "description": f"Zarr v3; level {content.level} by its certificate",
        "encodingFormat": "application/vnd.zarr",
        "contentSize": str(content.stored_bytes),
        "identifier": f"merkle-sha256:{content.merkle_root}",
    }


def _file(path: Path) -> dict[str, Any]:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return {
        "name": path.name,
        "description": _FILES[path.name],
        "encodingFormat": kind,
        "contentSize": str(path.stat().st_size),
        "sha256": file_digest(path),
    }


def _software(crate: Any, name: str, version: str) -> Any:
    from rocrate.model import ContextEntity

    properties = {"@type": "SoftwareApplication", "name": name, "version": version, "softwareVersion": version}
    return crate.add(ContextEntity(crate, f"#software-{name}", properties=properties))


def _input(crate: Any, position: int, item: InputDigest) -> Any:
    from rocrate.model import ContextEntity

    properties = {"@type": "Dataset", "name": item.name, "contentSize": str(item.bytes)}
    properties |= (
        {"sha256": item.digest} if item.algorithm == "sha256" else {"identifier": f"{item.algorithm}:{item.digest}"}
    )
    return crate.add(ContextEntity(crate, f"#input-{position}", properties=properties))


def _variable(crate: Any, name: str, text: str, units: str) -> Any:
    from rocrate.model import ContextEntity

    properties = {"@type": "PropertyValue", "name": name}
    if text:
        properties["description"] = text
    if units:
        properties["unitText"] = units
    return crate.add(ContextEntity(crate, f"#variable-{name}", properties=properties))


def _from_attributes(attributes: Mapping[str, Any]) -> dict[str, str]:
    known = {
        "license": "license",
        "licence": "license",
        "creator_name": "creator",
        "institution": "sourceOrganization",
        "references": "citation",
        "keywords": "keywords",
        "doi": "identifier",
    }
    found = {target: str(attributes[key]) for key, target in known.items() if str(attributes.get(key, "")).strip()}
    return {"license": "The source names no licence.", **found}
