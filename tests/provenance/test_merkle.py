"""One digest for a folder, and proofs for single files."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.provenance.merkle import file_digest, inclusion_proof, leaves_of_folder, merkle_root, proof_holds

LEAVES = st.dictionaries(st.text(min_size=1, max_size=8), st.binary(max_size=4), min_size=1, max_size=40).map(
    lambda found: {name: hashlib.sha256(data).hexdigest() for name, data in found.items()}
)


@given(LEAVES)
def test_every_file_can_be_proved_alone(leaves):
    root = merkle_root(leaves)
    for name, digest in leaves.items():
        proof = inclusion_proof(leaves, name)
        assert proof_holds(name, digest, proof, root)
        assert not proof_holds(name + "x", digest, proof, root)
        assert (
            not proof_holds(name, hashlib.sha256(b"other").hexdigest(), proof, root)
            or digest == hashlib.sha256(b"other").hexdigest()
        )


@given(LEAVES, st.data())
def test_any_change_changes_the_root(leaves, data):
    root = merkle_root(leaves)
    name = data.draw(st.sampled_from(sorted(leaves)))
    changed = {**leaves, name: hashlib.sha256(b"changed" + name.encode("utf-8", "replace")).hexdigest()}
    assert merkle_root(changed) != root
    assert merkle_root({key: value for key, value in leaves.items() if key != name}) != root
    assert merkle_root({**leaves, "one more file": leaves[name]}) != root


def test_files_cannot_change_places():
    one, two = hashlib.sha256(b"1").hexdigest(), hashlib.sha256(b"2").hexdigest()
    assert merkle_root({"a": one, "b": two}) != merkle_root({"a": two, "b": one})


def test_the_root_of_two_leaves_by_hand():
    digests = {"a": hashlib.sha256(b"A").digest(), "b": hashlib.sha256(b"B").digest()}
    leaf = {name: hashlib.sha256(b"\0" + name.encode() + b"\0" + digest).digest() for name, digest in digests.items()}
    expected = hashlib.sha256(b"\1" + leaf["a"] + leaf["b"]).hexdigest()
    assert merkle_root({name: digest.hex() for name, digest in digests.items()}) == expected


def test_a_folder_is_read_without_following_links(tmp_path):
    (tmp_path / "store" / "c").mkdir(parents=True)
    (tmp_path / "store" / "c" / "0").write_bytes(b"chunk")
    (tmp_path / "outside").write_bytes(b"secret")
    (tmp_path / "store" / "link").symlink_to(tmp_path / "outside")
    assert leaves_of_folder(tmp_path / "store") == {"c/0": hashlib.sha256(b"chunk").hexdigest()}
    assert file_digest(tmp_path / "outside") == hashlib.sha256(b"secret").hexdigest()


def test_a_proof_for_a_stranger_is_refused():
    with pytest.raises(KeyError):
        inclusion_proof({"a": "00" * 32}, "b")
