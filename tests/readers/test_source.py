from __future__ import annotations

import zipfile

import pytest

from cdt_core.errors import ReaderError
from cdt_core.hooks.source import Source


def test_a_file_in_an_archive_stays_open_after_its_file_system_is_gone(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x.bin", b"0123456789")
    source = Source(f"zip://x.bin::{tmp_path}/a.zip")
    with source.open() as file:
        assert file.read(2) == b"01"
        file.seek(8)
        assert file.read() == b"89"
    assert source.head(3) == b"012"
    assert not source.is_local


def test_what_cannot_be_opened_is_named(tmp_path):
    for location in (tmp_path / "none", tmp_path, f"zip://none::{tmp_path}/none.zip"):
        with pytest.raises(ReaderError, match=r"none|test_what"):
            Source(str(location)).open()


def test_the_path_of_a_url_is_refused_with_advice():
    with pytest.raises(ReaderError, match="copy the file first"):
        _ = Source("s3://bucket/x.dcm").path


def test_names_and_heads(tmp_path):
    (tmp_path / "x.nc").write_bytes(b"CDF\x01")
    source = Source(str(tmp_path / "x.nc"))
    assert (source.name, source.head(3), source.is_dir()) == ("x.nc", b"CDF", False)
    assert Source(str(tmp_path)).head(3) == b""
