"""The output folder is an RO-Crate that rocrate itself reads."""

from __future__ import annotations

import hashlib
import json

import pytest
from rocrate.rocrate import ROCrate

import cdt_core as cdt
from tests.datasets import climate_file


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crate")
    source = climate_file(folder / "in.nc")
    return source, cdt.treat(source, folder / "out", bound="rel:1e-3")


def test_rocrate_reads_it(made):
    _, out = made
    crate = ROCrate(str(out.path))
    assert crate.name == "generated"
    assert out.certificate.level in crate.description
    assert crate.root_dataset["license"]
    files = {entity.id: entity for entity in crate.get_entities() if entity.type == "File"}
    assert set(files) == {"plan.json", "certificate.json", "report.html"}
    for name, entity in files.items():
        assert entity["sha256"] == hashlib.sha256((out.path / name).read_bytes()).hexdigest()
    assert crate.get("data.zarr/").type == "Dataset"


def test_it_says_what_was_made_from_what_by_what(made):
    source, out = made
    crate = ROCrate(str(out.path))
    action = crate.get("#treatment")
    assert action.type == "CreateAction"
    (before,) = action["object"]
    assert before["name"] == source.name
    assert before["sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert action["instrument"]["name"] == "cdt"
    assert action["startTime"] <= action["endTime"]
    assert {entity.id for entity in action["result"]} >= {"data.zarr/", "plan.json"}
    measured = {entity["name"]: entity for entity in crate.root_dataset["variableMeasured"]}
    assert set(measured) == {outcome.name for outcome in out.outcomes}
    assert measured["temperature"]["unitText"] == "K"


def test_nothing_of_the_machine_is_in_it(made):
    _, out = made
    for name in ("ro-crate-metadata.json", "plan.json", "certificate.json"):
        text = (out.path / name).read_text()
        json.loads(text)
        assert str(out.path.parent) not in text
