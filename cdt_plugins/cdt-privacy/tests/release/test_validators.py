"""Tables that say which columns identify are checked when they are treated, and the certificate tells what was found."""

from __future__ import annotations

import base64
import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import cdt_core as cdt
from cdt_core.certify.policy import read_policy
from cdt_core.errors import PrivacyError
from cdt_core.testing import check_validator
from cdt_core.testing.subject import subject_of
from cdt_privacy.release import anonymise, check
from cdt_privacy.release.policy import release_policy
from cdt_privacy.release.validators import anonymity
from cdt_privacy.release_offers import POLICIES, VALIDATORS

from .people import census

QUASI = ["age", "town", "smokes"]


@pytest.fixture(scope="module")
def release():
    frame = census(400)[[*QUASI, "name", "illness"]]
    return anonymise(frame, QUASI, "illness", k=6, l=2, t=0.45, identifiers="name")


def found_in(dataset):
    return {finding.check: finding for finding in anonymity(subject_of(dataset))}


def privacy_of(treatment):
    return {one.check: one for one in treatment.findings if one.check.startswith("privacy.")}


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_treated_file_is_certified_with_what_it_keeps(release, tmp_path, suffix):
    release.write(tmp_path / f"release.{suffix}")
    treated = cdt.treat(tmp_path / f"release.{suffix}", tmp_path / "out")
    found = privacy_of(treated)
    kept = check(release.table, QUASI, "illness")
    assert found["privacy.k_anonymity"].value == kept.k >= 6
    assert found["privacy.l_diversity"].value == kept.l
    assert found["privacy.t_closeness"].value == kept.t
    assert found["privacy.k_anonymity"].threshold == ">= 5"
    assert {one.verdict for name, one in found.items() if name != "privacy.entropy_l_diversity"} == {"pass"}
    envelope = json.loads((tmp_path / "out" / "certificate.json").read_text())
    assert "privacy.k_anonymity" in base64.b64decode(envelope["payload"]).decode()


def test_a_table_that_is_not_anonymous_fails(tmp_path):
    frame = census(60)[["name", "age", "illness"]]
    comments = "# cdt_quasi_identifiers: age\n# cdt_sensitive: illness\n# cdt_identifiers: name\n"
    (tmp_path / "raw.csv").write_text(comments + frame.to_csv(index=False))
    found = privacy_of(cdt.treat(tmp_path / "raw.csv", tmp_path / "out"))
    assert found["privacy.k_anonymity"].verdict == "fail"
    assert found["privacy.identifiers_absent"].verdict == "fail"
    assert "name" in found["privacy.identifiers_absent"].message


def test_a_dataset_in_memory_says_roles_by_variable(release):
    found = found_in(release.dataset())
    kept = check(release.table, QUASI, "illness")
    assert found["privacy.k_anonymity"].value == kept.k
    assert found["privacy.entropy_l_diversity"].value == pytest.approx(kept.entropy_l)
    assert found["privacy.t_closeness"].evidence["worst_sensitive"] == "illness"


def test_findings_tell_no_value_of_the_table(release):
    text = str([finding.evidence for finding in found_in(release.dataset()).values()])
    assert "[" + str(release.table["age"].iloc[0]) not in text
    assert "asthma" not in text


def test_missing_codes_are_one_category():
    age = (
        "row",
        np.array([1, 1, -9, -9, -8, -8]),
        {"cdt_role": "quasi-identifier", "_FillValue": -9, "missing_value": -8},
    )
    found = found_in(xr.Dataset({"age": age}))["privacy.k_anonymity"]
    assert (found.value, found.evidence["classes"]) == (2, 2)


def test_infinities_and_nan_are_classes():
    age = ("row", np.array([np.inf, np.inf, np.nan, np.nan, 1, 1]), {"cdt_role": "quasi-identifier"})
    assert found_in(xr.Dataset({"age": age}))["privacy.k_anonymity"].evidence["classes"] == 3


def test_flags_have_the_distance_of_categories():
    role = {"cdt_role": "sensitive", "flag_values": np.array([0, 1, 9])}
    town = ("row", list("aabb"), {"cdt_role": "quasi-identifier"})
    found = found_in(xr.Dataset({"town": town, "state": ("row", np.array([0, 1, 9, 9]), role)}))
    assert found["privacy.t_closeness"].value == 0.5


def test_groups_are_tables_of_their_own():
    one = xr.Dataset({"age": ("row", [1, 1, 2, 2], {"cdt_role": "quasi-identifier"})})
    two = xr.Dataset({"age": ("row", [1, 1, 1], {"cdt_role": "quasi-identifier"})})
    tree = xr.DataTree.from_dict({"/a": one, "/b": two})
    found = [f.value for f in anonymity(subject_of(tree)) if f.check == "privacy.k_anonymity"]
    assert found == [2, 3]


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (xr.Dataset({"a": ("row", [1])}, attrs={"cdt_quasi_identifiers": "b"}), "quasi-identifier 'b' is no variable"),
        (xr.Dataset({"a": ("row", [1])}, attrs={"cdt_sensitive": "[a"}), "no quasi-identifier is declared"),
        (xr.Dataset({"a": ("row", [1], {"cdt_role": "quasi"})}), "none of quasi-identifier"),
        (xr.Dataset({"a": (("x", "y"), [[1]])}, attrs={"cdt_quasi_identifiers": ["a"]}), "over one dimension"),
        (xr.Dataset({"a": ("row", [])}, attrs={"cdt_quasi_identifiers": '["a"]'}), "no row"),
        (xr.Dataset({"a": ("row", [1])}, attrs={"cdt_quasi_identifiers": "a", "cdt_sensitive": "a"}), "both"),
        (xr.Dataset({"a": ("row", [1])}, attrs={"cdt_quasi_identifiers": 7}), "'7' is no variable"),
        (xr.Dataset({"a": ("row", [1])}, attrs={"cdt_quasi_identifiers": "[" * 99_999}), "is no variable"),
        (
            xr.Dataset({"a": ("row", np.array([[1], None], object), {"cdt_role": "quasi-identifier"})}),
            "cannot be told apart",
        ),
    ],
)
def test_what_cannot_be_checked_is_said_and_never_passes(dataset, message):
    found = found_in(dataset)["privacy.k_anonymity"]
    assert found.value is None
    assert message in found.message


def test_a_comment_without_a_name_does_not_take_the_next_line():
    columns = {"a": ("row", [1, 1]), "b": ("row", [1, 2])}
    comment = "# cdt_quasi_identifiers: a\n# cdt_sensitive:\n# cdt_identifiers: b\n"
    found = found_in(xr.Dataset(columns, attrs={"comment": comment}))
    assert found["privacy.k_anonymity"].value == 2
    assert found["privacy.identifiers_absent"].value == 0


def test_long_comments_are_read_once():
    """A pattern that goes on over lines would begin anew at each, and read a million times a million characters."""
    comment = "#\n" * 500_000 + "nothing"
    assert not found_in(xr.Dataset({"a": ("row", [1, 1])}, attrs={"comment": comment}))


def test_missing_codes_of_another_type_do_not_hide_those_of_this_one():
    """-9 is a missing value, beyond all others, and not the least of them."""
    sensitive = {"cdt_role": "sensitive", "_FillValue": -9, "missing_value": "none"}
    age = ("row", [1, 2, 2], {"cdt_role": "quasi-identifier"})
    found = found_in(xr.Dataset({"age": age, "x": ("row", np.array([0, -9, 1]), sensitive)}))
    assert found["privacy.t_closeness"].value == 0.5


def test_datasets_that_declare_nothing_have_no_finding():
    assert not found_in(xr.Dataset({"age": ("row", [1, 2])}))


def test_the_validator_keeps_its_contract(release):
    check_validator(VALIDATORS[0])
    check_validator(VALIDATORS[0], subjects=[subject_of(release.dataset())])


def test_every_threshold_is_for_a_check_that_is_made():
    policy = read_policy(release_policy(), POLICIES[0].name)
    assert policy.name == POLICIES[0].name
    assert set(policy.rules) <= set(VALIDATORS[0].checks)


def test_names_of_columns_survive_writing(tmp_path):
    frame = pd.DataFrame({"town, or city": list("aabb"), 'say "age"': [1, 1, 2, 2], "[x]": [1, 2, 3, 4]})
    release = anonymise(frame, list(frame)[:2], "[x]", k=2)
    for suffix in ("csv", "parquet"):
        release.write(tmp_path / f"x.{suffix}")
        found = privacy_of(cdt.treat(tmp_path / f"x.{suffix}", tmp_path / suffix))
        assert found["privacy.k_anonymity"].evidence["quasi_identifiers"] == list(frame)[:2]
        assert found["privacy.l_diversity"].value == 2


def test_missing_cells_survive_writing(tmp_path):
    release = anonymise(pd.DataFrame({"town": ["a", "a", None, None], "age": [1, 2, 3, 4]}), ["town", "age"], k=2)
    for suffix in ("csv", "parquet"):
        release.write(tmp_path / f"x.{suffix}")
        read = cdt.open(tmp_path / f"x.{suffix}")
        assert [value or None for value in read["town"].values.tolist()] == ["a", "a", None, None]
    with pytest.raises(PrivacyError, match=r"as \.csv or \.parquet"):
        release.write(tmp_path / "x.sav")


def test_what_cannot_be_written_is_said_with_its_file(tmp_path):
    release = anonymise(pd.DataFrame({"a": [1, 1], "m": pd.Series([1, "x"], dtype=object)}), ["a"], "m", k=2)
    for name in ("nowhere/x.csv", "nowhere/x.parquet", "x.parquet"):
        with pytest.raises(PrivacyError, match=f"{name}: the table cannot be written"):
            release.write(tmp_path / name)
