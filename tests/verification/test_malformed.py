"""Whatever a folder holds, ``verify`` ends with checks, never with a bare error, and lets nothing malformed pass."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil

import numpy as np
import pytest
import xarray as xr
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

import cdt_core as cdt
from cdt_core.provenance.dsse import sealed
from cdt_core.provenance.merkle import leaves_of_folder, merkle_root

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


def _source() -> xr.Dataset:
    values = np.random.default_rng(0).normal(size=(20, 30)).cumsum(1).astype("f4")
    names = np.array([*"abcdefghijklmnopqrs", None], dtype=object)
    return xr.Dataset({"u": (("y", "x"), values), "name": ("y", names)}, coords={"y": np.arange(20.0)})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    key = folder / "key.pem"
    key.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key.chmod(0o600)
    cdt.treat(_source(), folder / "out", bound="abs:0.01", key=key)
    return folder / "out"


@pytest.fixture
def out(made, tmp_path):
    return shutil.copytree(made, tmp_path / "out")


def _statement(folder):
    return json.loads(base64.b64decode(json.loads((folder / "certificate.json").read_text())["payload"]))


def _sign(folder, statement):
    """Sign what is there, whatever it is, as somebody with a key could; the crate follows."""
    path = folder / "certificate.json"
    document = json.loads(path.read_text())
    document["cdt"]["leaves"] = leaves_of_folder(folder / "data.zarr")
    if isinstance(statement, dict) and statement.get("subject") == _statement(folder)["subject"]:
        digests = {subject["name"]: subject["digest"] for subject in statement["subject"]}
        digests["data.zarr"]["merkleSha256"] = merkle_root(document["cdt"]["leaves"])
        digests["plan.json"]["sha256"] = hashlib.sha256((folder / "plan.json").read_bytes()).hexdigest()
    path.write_text(json.dumps({**document, **sealed(json.dumps(statement).encode(), KEY)}))
    crate_path = folder / "ro-crate-metadata.json"
    crate = json.loads(crate_path.read_text())
    for entity in crate["@graph"]:
        if "sha256" in entity and (folder / entity["@id"]).is_file():
            entity["sha256"] = hashlib.sha256((folder / entity["@id"]).read_bytes()).hexdigest()
        if entity["@id"] == "data.zarr/":
            entity["identifier"] = f"merkle-sha256:{merkle_root(document['cdt']['leaves'])}"
    crate_path.write_text(json.dumps(crate))


def _edit(folder, name, change):
    document = json.loads((folder / name).read_text())
    change(document)
    (folder / name).write_text(json.dumps(document))


def _failure(folder, **more):
    result = cdt.verify(folder, **more)
    assert not result.ok
    return result.first_failure


def test_signed_again_without_a_change_it_verifies(out):
    _sign(out, _statement(out))
    result = cdt.verify(out, original=_source())
    assert result.ok, result.first_failure


@pytest.mark.parametrize("statement", [None, [], 3, "x", {}, {"_type": [], "predicateType": {}}], ids=repr)
def test_what_is_signed_is_no_statement(out, statement):
    _sign(out, statement)
    assert _failure(out).startswith("signature")


@pytest.mark.parametrize("part", ["subject", "predicate"])
@pytest.mark.parametrize("junk", [None, [], {}, "x", [1], [{}]], ids=repr)
def test_a_part_of_the_statement_is_junk(out, part, junk):
    _sign(out, {**_statement(out), part: junk})
    assert _failure(out).startswith("signature")


@pytest.mark.parametrize("part", ["findings", "variables", "policy", "level", "score", "scores"])
@pytest.mark.parametrize("junk", [None, 7, "x", [[]], {"a": []}], ids=repr)
def test_a_part_of_the_predicate_is_junk(out, part, junk):
    statement = _statement(out)
    statement["predicate"][part] = junk
    _sign(out, statement)
    result = cdt.verify(out)
    assert part in ("policy", "level") or not result.ok


@pytest.mark.parametrize("key", ["stored_bytes", "raw_bytes", "chunks", "bound", "applied", "codec", "shape"])
def test_another_fact_of_a_variable_is_seen_though_it_is_signed(out, key):
    statement = _statement(out)
    variable = next(item for item in statement["predicate"]["variables"] if item["name"] == "u")
    variable[key] = 7 if isinstance(variable[key], int) else "abs:5.0"
    _sign(out, statement)
    assert f"variable 'u': {key}" in _failure(out)


def test_a_looser_bound_in_force_than_the_one_asked_for_is_seen(out):
    def loosen(plan):
        (variable,) = [item for item in plan["variables"] if item["name"] == "u"]
        variable["applied"] = "abs:5.0"

    _edit(out, "plan.json", loosen)
    statement = _statement(out)
    variable = next(item for item in statement["predicate"]["variables"] if item["name"] == "u")
    variable["applied"] = "abs:5.0"
    _sign(out, statement)
    assert "abs:5.0 is not abs:0.01" in _failure(out)


@pytest.mark.parametrize("shape", [[], [0, 30], [-1, 30], [1, 1], "x", [1.5, 2]], ids=repr)
def test_a_plan_with_other_chunks_is_seen(out, shape):
    _edit(out, "plan.json", lambda plan: plan["variables"][1].update(chunk_shape=shape))
    _sign(out, _statement(out))
    assert _failure(out).startswith(("plan", "variables"))


def test_a_chunk_that_no_list_has_is_missed(out):
    shutil.rmtree(out / "data.zarr" / "y" / "c")
    _sign(out, _statement(out))
    assert any(check.detail == "chunk (0,) of variable 'y' has no file" for check in cdt.verify(out).checks)


@pytest.mark.parametrize("name", ["zarr.json", "u/zarr.json"])
def test_metadata_that_contradict_each_other_are_seen(out, name):
    def change(document):
        held = document.get("consolidated_metadata", {}).get("metadata", {}).get("u", document)
        held["attributes"]["units"] = "furlong"

    _edit(out, f"data.zarr/{name}", change)
    _sign(out, _statement(out))
    assert "consolidated metadata differ from those of 'u'" in _failure(out)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "[" * 100_000, "\ud800", '{"node_type": "array"}'], ids=lambda t: t[:5]
)
@pytest.mark.parametrize("name", ["zarr.json", "u/zarr.json"])
def test_metadata_that_are_none(out, name, text):
    (out / "data.zarr" / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    _sign(out, _statement(out))
    assert _failure(out).startswith("layout of the store")


def test_a_second_array_is_seen(out):
    shutil.copytree(out / "data.zarr" / "u", out / "data.zarr" / "hidden")
    _edit(
        out,
        "data.zarr/zarr.json",
        lambda root: root["consolidated_metadata"]["metadata"].update(
            hidden=root["consolidated_metadata"]["metadata"]["u"]
        ),
    )
    _sign(out, _statement(out))
    assert "'hidden' is not in the plan" in _failure(out)


@pytest.mark.parametrize("leaf", ["../secret", "/etc/passwd", "u//c", "u/./c", "a\0b", "\ud800", ""], ids=ascii)
def test_a_digest_of_something_outside_is_refused(out, leaf):
    _edit(out, "certificate.json", lambda document: document["cdt"]["leaves"].update({leaf: "0" * 64}))
    assert "is no file of the store" in _failure(out)


def test_links_and_pipes_are_no_files_of_a_treatment(out, tmp_path):
    chunk = out / "data.zarr" / "u" / "c" / "0" / "0"
    moved = shutil.move(chunk, tmp_path / "elsewhere")
    chunk.symlink_to(moved)
    assert "chunk 0, 0 of variable 'u' is no plain file" in _failure(out)
    chunk.unlink()
    os.mkfifo(chunk)
    assert "chunk 0, 0 of variable 'u' is no plain file" in _failure(out)


def test_a_linked_folder_does_not_hide(out, tmp_path):
    (out / "data.zarr" / "more").symlink_to(tmp_path)
    assert "more does not belong to the treatment" in _failure(out)


def test_a_file_name_that_is_no_unicode_can_be_shown(out):
    (out / "data.zarr" / os.fsdecode(b"x\xff")).write_text("")
    assert r"x\xff does not belong" in _failure(out)


@pytest.mark.parametrize(
    "change",
    [
        lambda graph: graph.clear(),
        lambda graph: graph.append(3),
        lambda graph: [entity.pop("sha256", None) for entity in graph],
        lambda graph: [entity.pop("@id", None) for entity in graph],
        lambda graph: [entity.update(identifier="x") for entity in graph],
    ],
)
def test_a_crate_of_something_else_is_seen(out, change):
    _edit(out, "ro-crate-metadata.json", lambda crate: change(crate["@graph"]))
    assert _failure(out).startswith("ro-crate")


@pytest.mark.parametrize("name", ["plan.json", "report.html", "ro-crate-metadata.json"])
def test_a_missing_file_is_named(out, name):
    (out / name).unlink()
    assert name in _failure(out)


def test_a_policy_by_the_path_of_a_file_is_not_opened(out, tmp_path):
    (tmp_path / "mine.json").write_text("{}")
    statement = _statement(out)
    statement["predicate"]["policy"]["name"] = str(tmp_path / "mine.json")
    _sign(out, statement)
    (level,) = [check for check in cdt.verify(out).checks if check.name == "level"]
    assert "is not installed" in level.detail or "not judged again" in level.detail


def test_an_original_of_other_types_fails_in_words(out):
    numbers = _source().assign(name=("y", np.arange(20)), u=(("y", "x"), np.full((20, 30), "a")))
    assert "values against the original" in _failure(out, original=numbers)


def test_a_softer_policy_does_not_pass_for_the_cores(out):
    statement = _statement(out)
    statement["predicate"]["policy"] = {"name": "core-1", "sha256": "0" * 64, "additions": []}
    _sign(out, statement)
    assert "calls itself core-1, but is another" in _failure(out)


def test_a_policy_of_plugins_that_are_not_here_is_said_so(out):
    statement = _statement(out)
    statement["predicate"]["policy"]["additions"] = ["nobodys-1"]
    _sign(out, statement)
    (level,) = [check for check in cdt.verify(out).checks if check.name == "level"]
    assert level.ok
    assert "not judged again" in level.detail
