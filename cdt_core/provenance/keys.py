"""Ed25519 keys (RFC 8032): made at first use in the user's configuration folder, or given."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from cdt_core.errors import CertificateError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = ["default_key_path", "key_id", "load_or_create", "load_public", "public_from_pem", "public_pem"]


def default_key_path() -> Path:
    """``$CDT_KEY``, or ``cdt/key.pem`` in the user's configuration folder (XDG base directory specification)."""
    given = os.environ.get("CDT_KEY")
    if given:
        return Path(given)
    base = os.environ.get("XDG_CONFIG_HOME")
    return Path(base if base else Path.home() / ".config") / "cdt" / "key.pem"


def load_or_create(path: Path | None = None) -> Ed25519PrivateKey:
    """The private key at ``path`` (PEM, PKCS 8), or the user's own, which is made with mode 0600 when it is not there.

    Raises
    ------
    CertificateError
        A given file is missing, others may read the key, it is no Ed25519 key, or the folder cannot be written.
    """
    if path is not None:
        return _load(path)
    place = default_key_path()
    if not place.exists():
        _create(place)
    return _load(place)


def _create(place: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    part = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(pem)
            os.link(part, place)  # of two first runs at once, one makes the key and the other finds it
        except FileExistsError:
            pass
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise CertificateError(
            f"{place}: the signing key cannot be made: {error.strerror}; give a key or set CDT_KEY"
        ) from error


def _load(place: Path) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        mode = place.stat().st_mode
        pem = place.read_bytes()
    except OSError as error:
        raise CertificateError(f"{place}: the signing key cannot be read: {error.strerror}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise CertificateError(f"{place}: others may read this private key; run 'chmod 600 {place}'")
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise CertificateError(f"{place}: no unencrypted PEM private key: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise CertificateError(f"{place}: not an Ed25519 key (make one with 'openssl genpkey -algorithm ed25519')")
    return key


def public_pem(key: Ed25519PrivateKey) -> str:
    """The public half, as PEM text (SubjectPublicKeyInfo)."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def public_from_pem(pem: str, where: str) -> Ed25519PublicKey:
    """The public key in a PEM text; raises ``CertificateError`` naming ``where``."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CertificateError(
            f"{where}: no PEM public key (a key's owner writes it with 'openssl pkey -in key.pem -pubout')"
        ) from error
    if not isinstance(key, Ed25519PublicKey):
        raise CertificateError(f"{where}: not an Ed25519 public key")
    return key


def load_public(path: Path) -> str:
    """The PEM text of a public key file, checked; a private key's file is refused."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise CertificateError(f"{path}: the public key cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CertificateError(f"{path}: no PEM public key: not text") from error
    public_from_pem(text, str(path))
    return text


def key_id(pem: str, where: str = "public key") -> str:
    """SHA-256 of the raw 32 bytes of the public key, in hexadecimal: the same however the PEM text is laid out."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    raw = public_from_pem(pem, where).public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()
