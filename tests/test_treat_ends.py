"""What the main job refuses, and what it leaves behind when it ends early."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import cdt_core as cdt
from cdt_core.errors import (
    BoundError,
    CertificateError,
    OutputError,
    PlanError,
    PluginError,
    ReaderError,
)
from tests.datasets import climate, climate_file, smooth
from tests.independent import folder_bytes


@pytest.fixture
def source(tmp_path):
    return climate_file(tmp_path / "climate.nc")


@pytest.mark.parametrize(
    ("bound", "error"),
    [
        ("abs:-1", "above 0"),
        ("abs:nan", "finite"),
        ("rel", "needs a number"),
        ("loose:1", "unknown kind"),
        ({"tempratur": "abs:1"}, "matches no variable"),
    ],
)
def test_bounds_that_make_no_sense_are_refused(source, tmp_path, bound, error):
    with pytest.raises(BoundError, match=error):
        cdt.treat(source, tmp_path / "out", bound=bound)
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".out*"))


def test_a_typing_error_is_told_before_anything_is_read(source, tmp_path):
    class Unread:
        def stage(self, name, total):
            raise AssertionError(f"stage {name} began")

        advance = stage

    (tmp_path / "file").write_text("")
    for wrong in (
        {"bound": {"tempratur": "abs:1"}},
        {"processors": {"t": ["none"]}},
        {"plan": tmp_path / "none.json"},
        {"plan": cdt.plan(np.arange(9.0))},
        {"plan": cdt.plan(source), "bound": "abs:1"},
        {"plan": cdt.plan(source), "max_size": 10**9},
        {"policy": "nobody's"},
        {"key": tmp_path / "none.pem"},
        {"workers": 0},
        {"output": tmp_path / "file" / "out"},
    ):
        with pytest.raises(cdt.CdtError):
            cdt.treat(source, **{"output": tmp_path / "out", "progress": Unread(), **wrong})


def test_an_existing_folder_is_never_touched_without_leave(source, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(OutputError, match="exists"):
            cdt.treat(source, tmp_path / "out", overwrite=overwrite)
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"


def test_an_earlier_treatment_is_replaced_when_asked(source, tmp_path):
    cdt.treat(source, tmp_path / "out")
    out = cdt.treat(source, tmp_path / "out", bound="abs:1.0", overwrite=True)
    assert cdt.verify(out.path).ok
    assert not list(tmp_path.glob(".out*"))


def test_a_failed_treatment_leaves_the_earlier_one(source, tmp_path, monkeypatch):
    cdt.treat(source, tmp_path / "out")
    before = folder_bytes(tmp_path / "out")

    def full(self, *args, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cdt_core.store.output.PartialOutput.keep_only", full)
    with pytest.raises(OutputError, match="No space left"):
        cdt.treat(source, tmp_path / "out", bound="abs:1.0", overwrite=True)
    assert folder_bytes(tmp_path / "out") == before
    assert not list(tmp_path.glob(".out*"))


def test_the_output_must_not_be_the_input(tmp_path):
    path = climate_file(tmp_path / "in.nc")
    with pytest.raises(OutputError):
        cdt.treat(path, tmp_path, overwrite=True)
    assert path.is_file()


@pytest.mark.parametrize("linked", [False, True])
def test_the_output_must_not_be_inside_a_store_that_is_read(tmp_path, linked):
    climate().to_zarr(tmp_path / "in.zarr", zarr_format=3, consolidated=False)
    (tmp_path / "link.zarr").symlink_to(tmp_path / "in.zarr")
    before = sorted(tmp_path.rglob("*"))
    read, written = ("link.zarr", "in.zarr") if linked else ("in.zarr", "in.zarr")
    for source in (tmp_path / read, f"{tmp_path}/{read[:-1]}?"):
        with pytest.raises(OutputError, match="inside the input"):
            cdt.treat(source, tmp_path / written / "out")
    assert sorted(tmp_path.rglob("*")) == before


def test_an_input_that_changes_meanwhile_is_refused(source, tmp_path):
    class Touching:
        def stage(self, name, total):
            if name == "treat":
                os.utime(source, (1, 1))

        def advance(self, raw_bytes):
            pass

    with pytest.raises(ReaderError, match="changed while it was treated"):
        cdt.treat(source, tmp_path / "out", progress=Touching())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"name": "core-1", "rules": {}}', "give yours its own"),
        ("[" * 100_000, "cannot be read"),
        ("\xff", "read|JSON"),
    ],
    ids=["borrowed", "deep", "bytes"],
)
def test_a_policy_file_that_cannot_be_used_is_refused_and_named(source, tmp_path, text, said):
    (tmp_path / "mine.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(CertificateError, match=rf"mine\.json.*({said})"):
        cdt.treat(source, tmp_path / "out", policy=str(tmp_path / "mine.json"))


def test_an_unknown_policy_is_refused_before_any_work(source, tmp_path):
    with pytest.raises(PluginError, match="core-1"):
        cdt.treat(source, tmp_path / "out", policy="nobody's")
    with pytest.raises(CertificateError, match=r"cannot be read: No such file or directory$"):
        cdt.treat(source, tmp_path / "out", policy=str(tmp_path / "none.json"))
    with pytest.raises(PlanError, match=r"none\.json: the plan cannot be read: No such file or directory$"):
        cdt.treat(source, tmp_path / "out", plan=tmp_path / "none.json")
    assert not (tmp_path / "out").exists()


def test_an_array_whose_parts_would_be_lost_is_refused(tmp_path):
    masked = np.ma.masked_greater(np.arange(6.0), 3)
    with pytest.raises(ReaderError, match="mask"):
        cdt.treat(masked, tmp_path / "out")
    with pytest.raises(ReaderError, match=r"DataFrame.*to_xarray"):
        cdt.treat(pytest.importorskip("pandas").DataFrame({"a": [1.0], "b": [2]}), tmp_path / "out")
    assert not (tmp_path / "out").exists()


INTERRUPTED = """
    import os, signal, sys
    import cdt_core as cdt
    import numpy as np

    class Kill:
        done = 0
        def stage(self, name, total):
            self.name = name
        def advance(self, raw):
            if self.name == "treat":
                self.done += raw
                if self.done > 40_000_000:
                    os.kill(os.getpid(), signal.SIGKILL)

    import cdt_core.execute.journal as journal
    journal._CHECKPOINT_SECONDS = 0.0
    cdt.treat(sys.argv[1], sys.argv[2], bound="abs:0.01", workers=2, progress=Kill())
"""


def test_a_killed_run_goes_on_where_it_was(tmp_path):
    rng = np.random.default_rng(1)
    np.save(tmp_path / "field.npy", smooth((60, 512, 512)) + rng.normal(0, 0.05, (60, 512, 512)).astype(np.float32))
    arguments = [str(tmp_path / "field.npy"), str(tmp_path / "out")]
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(INTERRUPTED), *arguments], check=False, timeout=300)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    partial = tmp_path / ".out.cdt-partial"
    written = {
        p: p.stat().st_mtime_ns for p in (partial / "data.zarr").rglob("*") if p.is_file() and "/c/" in p.as_posix()
    }
    assert written
    resumed = cdt.treat(*arguments, bound="abs:0.01", workers=1)
    kept = [p for p, time in written.items() if (resumed.path / p.relative_to(partial)).stat().st_mtime_ns == time]
    assert kept, "every chunk was written again"
    straight = cdt.treat(arguments[0], tmp_path / "straight", bound="abs:0.01", workers=2)
    assert folder_bytes(resumed.path) == folder_bytes(straight.path)
    assert resumed.certificate.statement == straight.certificate.statement


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path):
    """A file size limit makes the kernel refuse writes as a full disk does."""
    np.save(tmp_path / "noise.npy", np.random.default_rng(0).normal(size=(600, 600)))
    code = """
        import resource, signal, sys
        import cdt_core as cdt
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            cdt.treat(sys.argv[1], sys.argv[2])
        except cdt.CdtError as error:
            print(type(error).__name__, error)
    """
    arguments = [str(tmp_path / "noise.npy"), str(tmp_path / "out")]
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "out" in run.stdout
    assert "OutputError" in run.stdout, run.stderr
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".out*"))
