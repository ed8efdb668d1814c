"""Keys: made once, for their owner alone; other keys and broken files are refused with the reason."""

from __future__ import annotations

import os
import stat

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cdt_core.errors import CertificateError
from cdt_core.provenance.keys import default_key_path, key_id, load_or_create, load_public, public_pem


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.delenv("CDT_KEY", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "cdt" / "key.pem"


def test_the_users_key_is_made_at_first_use(home):
    assert default_key_path() == home
    first = load_or_create()
    assert stat.S_IMODE(home.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.parent.stat().st_mode) == 0o700
    assert public_pem(load_or_create()) == public_pem(first)
    assert os.listdir(home.parent) == ["key.pem"]


def test_a_given_key_is_never_made(home, tmp_path):
    with pytest.raises(CertificateError, match="cannot be read"):
        load_or_create(tmp_path / "mine.pem")
    assert not (tmp_path / "mine.pem").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_that_others_may_read_is_refused(home, mode):
    load_or_create()
    home.chmod(mode)
    with pytest.raises(CertificateError, match="chmod 600"):
        load_or_create()


def test_other_keys_are_refused(tmp_path):
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path = tmp_path / "rsa.pem"
    path.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    with pytest.raises(CertificateError, match="Ed25519"):
        load_or_create(path)
    path.write_text("no key at all")
    with pytest.raises(CertificateError, match="PEM"):
        load_or_create(path)


def test_a_public_key_file(home, tmp_path):
    pem = public_pem(load_or_create())
    (tmp_path / "public.pem").write_text(pem)
    assert key_id(load_public(tmp_path / "public.pem")) == key_id(pem)
    assert len(key_id(pem)) == 64
    with pytest.raises(CertificateError, match="public key"):
        load_public(home)
    with pytest.raises(CertificateError, match=r"cannot be read: No such file or directory$"):
        load_public(tmp_path / "none.pem")
    (tmp_path / "notes.txt").write_text("no key")
    with pytest.raises(CertificateError, match=r"notes\.txt: no PEM public key .*-pubout"):
        load_public(tmp_path / "notes.txt")
