from __future__ import annotations

import json
import pickle
import shutil
import zipfile

import numcodecs
import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec

import cdt_core as cdt
from cdt_core.errors import ReaderError
from cdt_core.hooks.contracts import Subject
from cdt_core.hooks.source import Source
from cdt_core.model import VariableSpec
from cdt_imaging.ome_zarr import open_ome_zarr
from cdt_imaging.ome_zarr_axes import levels_of
from cdt_imaging.ome_zarr_check import multiscales as multiscales_check

AXES = [
    {"name": "c", "type": "channel"},
    {"name": "y", "type": "space", "unit": "micrometer"},
    {"name": "x", "type": "space", "unit": "micrometer"},
]
BASE = np.random.default_rng(1).normal(size=(2, 32, 24)).astype(np.float32)


def multiscales(**more):
    datasets = [
        {
            "path": str(level),
            "coordinateTransformations": [{"type": "scale", "scale": [1, 0.5 * factor, 0.25 * factor]}],
        }
        for level, factor in enumerate((1, 2))
    ]
    datasets[1]["coordinateTransformations"].append({"type": "translation", "translation": [0, 0.25, 0.125]})
    return [{"version": "0.4", "axes": AXES, "datasets": datasets, **more}]


def filled(group, values=BASE, attributes=None):
    for level, step in enumerate((1, 2)):
        group.create_array(str(level), data=np.ascontiguousarray(values[:, ::step, ::step]), chunks=(1, 16, 16))
    group.attrs.update({"multiscales": multiscales()} if attributes is None else attributes)


def image(path, zarr_format=2, **more):
    group = zarr.create_group(path, zarr_format=zarr_format)
    filled(group, **more)
    return path


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("packed", [False, True])
def test_every_level_is_a_group_with_coordinates(tmp_path, chosen, read, version, packed):
    found = (
        {"multiscales": multiscales()}
        if version == "0.4"
        else {"ome": {"version": "0.5", "multiscales": multiscales()}}
    )
    path = image(tmp_path / "a.zarr", 2 if version == "0.4" else 3, attributes=found)
    if packed:
        with zipfile.ZipFile(tmp_path / "b.ome.zarr.zip", "w") as archive:
            for item in sorted(path.rglob("*")):
                if item.is_file():
                    archive.write(item, f"inner/{item.relative_to(path)}")
        path = tmp_path / "b.ome.zarr.zip"
    assert chosen(path) == "ome-zarr"
    tree = pickle.loads(pickle.dumps(read(path)))
    for level, step in enumerate((1, 2)):
        part = tree[f"{level}/image"]
        assert part.dims == ("c", "y", "x")
        assert (part.values == BASE[:, ::step, ::step]).all()
        assert (part[1, 2:9:3].values == BASE[1, ::step, ::step][2:9:3]).all()
    assert tree["1/y"].values[:2].tolist() == [0.25, 1.25]
    assert tree["1/y"].attrs["units"] == "micrometer"
    assert tree["1/image"].attrs["spacing"] == [1.0, 0.5]
    assert (tree["0/image"].attrs["chunks_stored"], tree["0/image"].attrs["chunks_expected"]) == (8, 8)
    assert json.loads(json.dumps(dict(tree.attrs))) == json.loads(json.dumps(found))


def test_chunks_that_were_never_written_show_in_the_counts(tmp_path, read):
    path = image(tmp_path / "a.zarr")
    (path / "0" / "0.1.1").unlink()
    assert read(path)["0/image"].attrs["chunks_stored"] == 7


def test_labels_and_other_arrays_are_kept(tmp_path, read):
    path = image(tmp_path / "a.zarr")
    group = zarr.open_group(path, mode="a")
    labels = group.create_group("labels", attributes={"labels": ["cells"]})
    filled(labels.create_group("cells"), (BASE > 0).astype(np.uint8), {"multiscales": multiscales(), "image-label": {}})
    group.create_array("histogram", data=np.arange(5))
    tree = read(path)
    assert (tree["labels/cells/0/labels"].values == (BASE > 0)).all()
    assert tree["labels/cells/0/labels"].attrs["image_kind"] == "labels"
    assert tree["histogram"].values.tolist() == [0, 1, 2, 3, 4]


def test_a_plate_shows_the_images_of_its_wells(tmp_path, read):
    path = tmp_path / "plate.zarr"
    group = zarr.create_group(path, zarr_format=2, attributes={"plate": {"wells": [{"path": "A/1"}]}})
    filled(group.create_group("A/1/0"))
    assert (read(path)["A/1/0/0/image"].values == BASE).all()


def test_zarr_without_multiscales_is_left_to_the_plain_reader(tmp_path):
    zarr.create_group(tmp_path / "a.zarr").create_array("x", data=np.arange(3))
    with pytest.raises(ReaderError, match="is not OME-Zarr"):
        open_ome_zarr(Source(str(tmp_path / "a.zarr")), False)


def test_channel_names_come_from_the_rendering_settings(tmp_path, read):
    omero = {"channels": [{"label": "DAPI"}, {"label": "GFP"}]}
    path = image(tmp_path / "a.zarr", attributes={"multiscales": multiscales(), "omero": omero})
    assert read(path)["0/image"].attrs["channel_names"] == ["DAPI", "GFP"]


def test_a_level_that_is_listed_but_missing_is_an_error_or_a_note(tmp_path):
    path = image(tmp_path / "a.zarr")
    shutil.rmtree(path / "1")
    with pytest.raises(ReaderError, match="lists '1', which is no array"):
        open_ome_zarr(Source(str(path)), False)
    tree = open_ome_zarr(Source(str(path)), True)
    assert [finding.check for finding in tree.encoding["cdt_notes"]] == ["core.reader.level_missing"]
    assert (tree["0/image"].values == BASE).all()


@pytest.mark.parametrize("compressor", [None, "blosc", "zstd", "gzip"])
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_cut_chunk_names_the_array(tmp_path, read, compressor, zarr_format):
    """Blosc itself would read on behind the end of the chunk, and return what lies there."""
    two = {"blosc": numcodecs.Blosc(), "zstd": numcodecs.Zstd(), "gzip": numcodecs.GZip(), None: None}
    three = {"blosc": BloscCodec(), "zstd": ZstdCodec(), "gzip": GzipCodec(), None: None}
    path = tmp_path / "a.zarr"
    found = {"multiscales": [{"axes": AXES, "datasets": [{"path": "0"}]}]}
    group = zarr.create_group(path, zarr_format=zarr_format, attributes=found)
    chosen = (two if zarr_format == 2 else three)[compressor]
    group.create_array("0", data=BASE, chunks=(1, 16, 16), compressors=chosen)
    assert (read(path)["0/image"].values == BASE).all()
    chunk = path / "0" / ("0.0.0" if zarr_format == 2 else "c/0/0/0")
    chunk.write_bytes(chunk.read_bytes()[:-9])
    with pytest.raises(ReaderError, match=r"array '0'.*a chunk is damaged"):
        read(path)["0/image"].values  # noqa: B018
    assert (read(path)["0/image"][1].values == BASE[1]).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"datasets": []}, "lists no datasets"),
        ({"datasets": [{"no": "path"}]}, "has no path"),
        ({"axes": "zyx"}, "not a list"),
        ({"axes": [{"name": "y"}, {"name": "y"}, {"name": "x"}]}, "no names of their own"),
        ({"axes": AXES[1:]}, "numbers"),
        ({"coordinateTransformations": [{"type": "scale", "scale": [1, "a", 2]}]}, "finite numbers"),
    ],
)
def test_multiscales_that_make_no_sense_are_refused(tmp_path, change, said):
    path = image(tmp_path / "a.zarr", attributes={"multiscales": multiscales(**change)})
    with pytest.raises(ReaderError, match=said):
        open_ome_zarr(Source(str(path)), False)


def test_axes_that_do_not_fit_the_array_are_refused(tmp_path):
    path = image(tmp_path / "a.zarr", attributes={"multiscales": [{"axes": AXES[1:], "datasets": [{"path": "0"}]}]})
    with pytest.raises(ReaderError, match="has 3 dimensions"):
        open_ome_zarr(Source(str(path)), False)


def test_transformations_apply_in_their_order():
    own = [{"type": "scale", "scale": [2.0]}, {"type": "translation", "translation": [3.0]}]
    found = {"axes": ["x"], "datasets": [{"path": "0", "coordinateTransformations": own}]}
    found["coordinateTransformations"] = [{"type": "scale", "scale": [10.0]}]
    (level,) = levels_of(found, "here")
    assert (level.steps, level.starts) == ((20.0,), (30.0,))


@pytest.mark.parametrize("cut", [0.3, 0.9, 0.999])
def test_a_cut_archive_is_refused(tmp_path, cut):
    path = image(tmp_path / "a.zarr")
    shutil.make_archive(str(tmp_path / "a.ome.zarr"), "zip", path)
    packed = tmp_path / "a.ome.zarr.zip"
    packed.write_bytes(packed.read_bytes()[: int(cut * packed.stat().st_size)])
    with pytest.raises(ReaderError, match="damaged or truncated zip"):
        open_ome_zarr(Source(str(packed)), False)


def test_chunks_over_the_limit_are_refused(tmp_path):
    path = image(tmp_path / "a.zarr")
    with pytest.raises(ReaderError, match="max_expanded_bytes"):
        open_ome_zarr(Source(str(path), max_expanded_bytes=100), False)


def of_arrays(attributes, names):
    specs = {name: VariableSpec(name, ("c", "y", "x"), (2, 4, 4), "float32") for name in names}
    return Subject({}, specs, {}, {"": attributes})


@pytest.mark.parametrize(
    ("names", "change", "valid"),
    [
        (["0/image", "1/image"], {}, 1),
        (["0", "1"], {}, 1),  # as the plain Zarr reader names them
        (["0/image"], {}, 0),
        (["0/image", "1/image"], {"datasets": []}, 0),
        (["0/image", "1/image"], {"axes": AXES[1:], "datasets": [{"path": "0"}]}, 0),
    ],
)
def test_metadata_that_the_arrays_contradict_is_a_finding(names, change, valid):
    """The plain Zarr reader opens what this plugin's refuses: the finding is what tells."""
    (found,) = multiscales_check(of_arrays({"multiscales": multiscales(**change)}, names))
    assert (found.check, found.value) == ("imaging.multiscales_valid", valid)
    assert bool(found.message) == (not valid)


def test_a_treatment_of_an_image_that_lost_a_level_fails_the_check(tmp_path):
    path = image(tmp_path / "a.zarr")
    shutil.rmtree(path / "1")
    treated = cdt.treat(path, tmp_path / "out")
    (found,) = [finding for finding in treated.findings if finding.check == "imaging.multiscales_valid"]
    assert found.verdict == "fail"
