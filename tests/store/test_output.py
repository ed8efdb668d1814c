"""Where a treatment is written: nothing of the user's is ever lost, whoever is interrupted or comes second."""

from __future__ import annotations

import os

import pytest

from cdt_core.errors import OutputError
from cdt_core.store.output import PartialOutput


def _treatment(folder, mark="earlier"):
    (folder / "data.zarr").mkdir(parents=True)
    (folder / "certificate.json").write_text(mark)
    return folder


def _finished(output, mark="new"):
    output.begin()
    (output.path / "certificate.json").write_text(mark)
    return output


def test_a_second_treatment_to_the_same_place_is_refused(tmp_path):
    first = _finished(PartialOutput(tmp_path / "out"))
    second = PartialOutput(tmp_path / "out")
    with pytest.raises(OutputError, match="another treatment"):
        second.begin()
    first.commit()
    first.release()
    assert (tmp_path / "out" / "certificate.json").read_text() == "new"


def test_a_place_is_free_again_after_an_interruption(tmp_path):
    first = PartialOutput(tmp_path / "out")
    first.begin()
    first.release()
    PartialOutput(tmp_path / "out").begin()


def test_a_kill_between_the_two_renames_loses_nothing(tmp_path):
    out = _treatment(tmp_path / "out")
    _finished(PartialOutput(out, overwrite=True)).release()
    os.rename(out, tmp_path / ".out.cdt-old")
    with pytest.raises(OutputError, match="exists already"):
        PartialOutput(out)
    assert (out / "certificate.json").read_text() == "earlier"


def test_nothing_is_put_back_while_another_treatment_renames(tmp_path):
    out = _treatment(tmp_path / "out")
    first = _finished(PartialOutput(out, overwrite=True))
    os.rename(out, tmp_path / ".out.cdt-old")
    with pytest.raises(OutputError, match="another treatment"):
        PartialOutput(out, overwrite=True)
    first.commit()
    assert (out / "certificate.json").read_text() == "new"


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_appears_at_the_target_meanwhile_is_kept(tmp_path, overwrite):
    output = _finished(PartialOutput(tmp_path / "out", overwrite=overwrite))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="exists"):
        output.commit()
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"


def test_a_treatment_that_also_holds_something_else_is_not_replaced(tmp_path):
    out = _treatment(tmp_path / "out")
    (out / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"notes\.txt"):
        PartialOutput(out, overwrite=True)


def test_a_link_stands_for_its_folder(tmp_path):
    real = _treatment(tmp_path / "disk" / "out")
    (tmp_path / "link").symlink_to(real)
    _finished(PartialOutput(tmp_path / "link", overwrite=True)).commit()
    assert (tmp_path / "link").is_symlink()
    assert (real / "certificate.json").read_text() == "new"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["disk", "link"]


def test_a_link_to_nowhere_is_refused(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "none")
    with pytest.raises(OutputError, match="exists"):
        PartialOutput(tmp_path / "link", overwrite=True)


def test_a_relative_place_stays_where_it_was_named(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    output = PartialOutput("out")
    monkeypatch.chdir(tmp_path / "elsewhere")
    _finished(output).commit()
    assert (tmp_path / "out").is_dir()


def test_a_place_where_no_folder_can_be_made_is_refused_at_once(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is no folder"):
        PartialOutput(tmp_path / "file" / "deep" / "out")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="may not be written to"):
        PartialOutput(tmp_path / "deep" / "out")


@pytest.mark.parametrize("place", ["/", "x" * 250, "a\0b"], ids=["root", "long", "null"])
def test_what_is_no_name_for_a_folder_is_refused_in_words(tmp_path, place):
    with pytest.raises(OutputError):
        PartialOutput(tmp_path / place, overwrite=True).begin()


def test_a_null_character_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(OutputError, match="null character"):
        PartialOutput(f"{tmp_path}/a\0b")
