"""``verify`` finds every kind of tampering, and names the first thing that does not hold."""

from __future__ import annotations

import base64
import json
import shutil

import numpy as np
import pytest
import xarray as xr
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

import cdt_core as cdt
from cdt_core.errors import CertificateError
from cdt_core.provenance.document import canonical
from cdt_core.provenance.dsse import sealed
from cdt_core.provenance.keys import public_pem
from cdt_core.provenance.merkle import file_digest, leaves_of_folder, merkle_root
from tests.datasets import climate_file

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    key = folder / "key.pem"
    key.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key.chmod(0o600)
    (folder / "public.pem").write_text(public_pem(KEY))
    (folder / "other.pem").write_text(public_pem(Ed25519PrivateKey.generate()))
    source = climate_file(folder / "climate.nc")
    cdt.treat(source, folder / "out", bound={"temperature": "abs:0.05", "*": "lossless"}, key=key)
    return folder


@pytest.fixture
def out(made, tmp_path):
    return shutil.copytree(made / "out", tmp_path / "out")


def _failure(folder, **more):
    result = cdt.verify(folder, **more)
    assert not result.ok
    return result.first_failure


def _signed(folder, change):
    """Change the statement and sign it again, as somebody with the key could."""
    path = folder / "certificate.json"
    document = json.loads(path.read_text())
    statement = json.loads(base64.b64decode(document["payload"]))
    change(statement, document)
    path.write_text(json.dumps({**document, **sealed(canonical(statement), KEY)}))


def _resealed(folder):
    """Digests, root and plan as the files are now: the forgery that only the values' own checks can see."""

    def change(statement, document):
        leaves = leaves_of_folder(folder / "data.zarr")
        document["cdt"]["leaves"] = leaves
        statement["subject"][0]["digest"]["merkleSha256"] = merkle_root(leaves)

    _signed(folder, change)


def test_a_treatment_verifies(made, out):
    result = cdt.verify(out, original=made / "climate.nc", public_key=made / "public.pem")
    assert result.ok, result.first_failure
    names = {check.name for check in result.checks}
    assert names >= {
        "signature",
        "merkle root",
        "plan",
        "digests of the store",
        "ro-crate",
        "level",
        "bounds",
        "chunks",
    }
    assert "values against the original" in names


def test_a_changed_chunk_is_named(out):
    chunk = out / "data.zarr" / "pressure" / "c" / "0" / "0" / "0"
    chunk.write_bytes(chunk.read_bytes()[:-1] + b"x")
    assert _failure(out) == "digests of the store: chunk 0, 0, 0 of variable 'pressure' is not what was written"


def test_a_missing_chunk_is_named(out):
    (out / "data.zarr" / "land" / "c" / "0" / "0").unlink()
    assert "chunk 0, 0 of variable 'land' is missing" in _failure(out)


def test_a_foreign_file_is_named(out):
    (out / "data.zarr" / "stranger").write_text("hello")
    assert "stranger does not belong" in _failure(out)


def test_changed_metadata_is_seen(out):
    path = out / "data.zarr" / "temperature" / "zarr.json"
    path.write_text(path.read_text().replace('"K"', '"C"'))
    assert "file temperature/zarr.json is not what was written" in _failure(out)


def test_a_changed_list_of_digests_is_seen(out):
    path = out / "certificate.json"
    document = json.loads(path.read_text())
    document["cdt"]["leaves"].popitem()
    path.write_text(json.dumps(document))
    assert _failure(out).startswith("merkle root")


def test_a_changed_plan_is_seen(out):
    (out / "plan.json").write_text((out / "plan.json").read_text() + " ")
    assert _failure(out).startswith("plan")


def test_a_changed_report_is_seen(out):
    (out / "report.html").write_text("all is well")
    assert _failure(out).startswith("ro-crate: report.html")


def test_a_changed_statement_is_seen(out):
    path = out / "certificate.json"
    document = json.loads(path.read_text())
    statement = base64.b64decode(document["payload"]).replace(b"RESEARCH_GRADE", b"PUBLICATION_READY")
    document["payload"] = base64.b64encode(statement + b" ").decode()
    path.write_text(json.dumps(document))
    assert "signature does not hold" in _failure(out)


def test_another_key_is_not_accepted(made, out):
    assert "signature does not hold" in _failure(out, public_key=made / "other.pem")
    with pytest.raises(CertificateError, match="cannot be read"):
        cdt.verify(out, public_key=made / "none.pem")


def test_another_level_is_seen_though_it_is_signed(out):
    def change(statement, _):
        level = statement["predicate"]["level"]
        statement["predicate"]["level"] = "RESEARCH_GRADE" if level == "PUBLICATION_READY" else "PUBLICATION_READY"

    _signed(out, change)
    assert any(check.name == "level" and "is signed, but" in check.detail for check in cdt.verify(out).checks)


def test_a_softened_verdict_is_seen_though_it_is_signed(out):
    def change(statement, _):
        finding = next(f for f in statement["predicate"]["findings"] if f["check"] == "core.max_error")
        finding["value"] = 99.0

    _signed(out, change)
    assert any(check.name == "level" and "core.max_error" in check.detail for check in cdt.verify(out).checks)


def test_swapped_chunks_that_are_signed_again_do_not_decode(out):
    chunk = out / "data.zarr" / "temperature" / "c" / "0" / "0" / "0"
    chunk.write_bytes((out / "data.zarr" / "pressure" / "c" / "0" / "0" / "0").read_bytes())
    _resealed(out)
    assert any(c.name == "chunks" and "'temperature'" in c.detail and not c.ok for c in cdt.verify(out).checks)


def test_a_looser_stream_that_is_signed_again_is_seen(out):
    values = np.random.default_rng(0).normal(scale=100, size=(8, 24, 36)).astype(np.float32)
    chunk = out / "data.zarr" / "temperature" / "c" / "0" / "0" / "0"
    chunk.write_bytes(cdt.compress(values, "abs:5"))
    _resealed(out)
    assert any(c.name == "chunks" and "keeps abs:5.0" in c.detail for c in cdt.verify(out).checks)


def test_other_values_that_are_signed_again_are_seen_against_the_original(made, out):
    values = np.zeros((8, 24, 36), np.float32)
    chunk = out / "data.zarr" / "temperature" / "c" / "0" / "0" / "0"
    chunk.write_bytes(cdt.compress(values, "lossless"))
    _resealed(out)
    checks = {check.name: check for check in cdt.verify(out, original=made / "climate.nc").checks}
    assert checks["chunks"].ok
    assert "values are over the bound" in checks["values against the original"].detail
    assert "'temperature'" in checks["values against the original"].detail


def test_another_original_is_seen(made, out, tmp_path):
    other = climate_file(tmp_path / "other.nc", seed=5)
    assert "values against the original" in _failure(out, original=other)
    assert "is not the original's" in _failure(out, original=np.zeros(3))


def test_a_relative_bound_that_is_not_of_the_range_is_seen_against_the_original(made, out):
    path = out / "plan.json"
    path.write_text(path.read_text().replace('"bound": "abs:0.05"', '"bound": "rel:1e-09"'))

    def change(statement, _):
        subjects = {item["name"]: item["digest"] for item in statement["subject"]}
        subjects["plan.json"]["sha256"] = file_digest(path)
        variables = {item["name"]: item for item in statement["predicate"]["variables"]}
        variables["temperature"]["bound"] = "rel:1e-09"

    _signed(out, change)
    checks = {check.name: check for check in cdt.verify(out, original=made / "climate.nc").checks}
    assert checks["variables"].ok
    assert checks["chunks"].ok
    assert "'temperature': rel:1e-09 is abs:" in checks["values against the original"].detail


@pytest.mark.parametrize("dtype", ["i4", "f4", "c16"])
def test_an_original_of_another_type_is_seen_though_its_values_are_equal_once_cast(tmp_path, dtype):
    values = np.arange(20.0)
    cdt.treat(values, tmp_path / "out")
    assert "there it is" in _failure(tmp_path / "out", original=values.astype(dtype))


@pytest.mark.parametrize("bound", ["lossless", "abs:2", "rel:1e-2"])
def test_a_treatment_of_decoded_values_is_verified_against_their_packed_file(tmp_path, bound):
    packed = xr.Dataset({"v": ("x", np.arange(3000, dtype="i2"), {"scale_factor": 0.5, "add_offset": 3.0})})
    packed.to_netcdf(tmp_path / "packed.nc", engine="h5netcdf")
    cdt.treat(cdt.open(tmp_path / "packed.nc"), tmp_path / "out", bound=bound)
    result = cdt.verify(tmp_path / "out", original=tmp_path / "packed.nc")
    assert result.ok, result.first_failure


def test_a_variable_that_the_treatment_lacks_is_seen(tmp_path):
    whole = xr.Dataset({"a": ("x", np.arange(5.0)), "b": ("x", np.arange(5.0))})
    cdt.treat(whole[["a"]], tmp_path / "out")
    assert "variable 'b' of the original is not in the treatment" in _failure(tmp_path / "out", original=whole)


def test_numbers_that_stand_for_one_value_are_still_told_apart(tmp_path):
    codes = np.array([-1, 5, -2, 2**62, 2**62 + 1])
    attributes = {"scale_factor": 0.5, "missing_value": [-1, -2]}
    other = codes[[2, 1, 0, 4, 3]]
    cdt.treat(xr.Dataset({"a": ("x", codes, attributes)}), tmp_path / "out")
    found = _failure(tmp_path / "out", original=xr.Dataset({"a": ("x", other, attributes)}))
    assert "chunk (0,) of variable 'a': numbers are not what they were" in found


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"cdt": {}}', '{"cdt": {"public_key": "x", "leaves": {}}, "payload": 3}']
)
def test_what_is_no_certificate_fails_without_a_traceback(out, text):
    (out / "certificate.json").write_text(text)
    assert _failure(out).startswith("signature")


def test_a_folder_that_is_no_treatment_is_refused(tmp_path):
    with pytest.raises(CertificateError, match="no treatment here"):
        cdt.verify(tmp_path)
