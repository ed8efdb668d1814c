"""A treatment that goes on after an interruption is the treatment of what is there now, and of nothing else."""

from __future__ import annotations

import os

import numpy as np
import pytest
import xarray as xr

import cdt_core as cdt
from cdt_core.errors import ReaderError
from tests.independent import compare


class StopAt:
    """Interrupts, as Ctrl-C does, when the variable after the first is treated."""

    def __init__(self, raw_bytes: int) -> None:
        self.left = raw_bytes
        self.name = ""

    def stage(self, name: str, total: int) -> None:
        self.name = name

    def advance(self, raw_bytes: int) -> None:
        if self.name == "treat":
            self.left -= raw_bytes
            if self.left < 0:
                raise KeyboardInterrupt


def _interrupted(source, out, *, after=0, **more):
    with pytest.raises(KeyboardInterrupt):
        cdt.treat(source, out, progress=StopAt(after), workers=1, **more)
    assert not out.exists()


def test_other_values_with_the_same_profile_are_not_mixed_in(tmp_path):
    values = np.cos(np.linspace(0, np.pi, 501))  # backwards, they are others with the same range and moments
    data = xr.Dataset({"u": ("t", values), "v": ("t", values)})
    _interrupted(data, tmp_path / "out", after=values.nbytes)
    backwards = xr.Dataset({"u": ("t", values[::-1]), "v": ("t", values[::-1])})
    out = cdt.treat(backwards, tmp_path / "out")
    assert compare(backwards, out.path) == 0
    assert out.certificate.statement == cdt.treat(backwards, tmp_path / "straight").certificate.statement


def test_nothing_of_another_treatment_stays_in_the_store(tmp_path, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    text = np.array(["one", "two"], dtype=object)
    earlier = xr.Dataset({"u": ("t", np.arange(9.0)), "name": ("n", text)})
    with monkeypatch.context() as patched:
        patched.setattr("cdt_core.treating.finish", stopped)
        with pytest.raises(KeyboardInterrupt):
            cdt.treat(earlier, tmp_path / "out")
    out = cdt.treat(xr.Dataset({"v": ("t", np.arange(9.0))}), tmp_path / "out")
    with xr.open_zarr(out.path / "data.zarr") as after:
        assert set(after.variables) == {"v"}
    assert cdt.verify(out.path).ok


def test_an_input_that_changes_while_it_is_profiled_is_refused(tmp_path):
    np.save(tmp_path / "in.npy", np.arange(100.0))

    class Touching:
        def stage(self, name: str, total: int) -> None:
            if name == "profile":
                os.utime(tmp_path / "in.npy", (1, 1))

        def advance(self, raw_bytes: int) -> None:
            pass

    with pytest.raises(ReaderError, match="changed while it was treated"):
        cdt.treat(tmp_path / "in.npy", tmp_path / "out", progress=Touching())
    assert not list(tmp_path.glob("*out*"))


def test_missing_text_is_named(tmp_path):
    data = xr.Dataset({"v": ("t", np.array(["a", None, float("nan"), ""], dtype=object))})
    out = cdt.treat(data, tmp_path / "out")
    (found,) = [finding for finding in out.findings if finding.check == "core.chunks_readback"]
    assert found.evidence["missing"] == 2
    assert "2 missing values became empty" in found.message
    assert cdt.verify(out.path, original=data).ok


def test_the_digests_of_some_inputs_do_not_pass_for_those_of_all(tmp_path):
    fsspec = pytest.importorskip("fsspec")
    np.save(tmp_path / "a.npy", np.arange(5.0))
    with fsspec.open("memory://cdt-mixed/b.npy", "wb") as file:
        file.write((tmp_path / "a.npy").read_bytes())
    out = cdt.treat([str(tmp_path / "a.npy"), "memory://cdt-mixed/b.npy"], tmp_path / "out")
    assert {item["algorithm"] for item in out.certificate.statement["predicate"]["inputs"]} == {"sha256OfChunks"}
