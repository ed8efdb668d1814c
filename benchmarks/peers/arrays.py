"""The arrays of the side-by-side table: files of the test-data folder (``CDT_TEST_DATA``) and two generated fields."""

from __future__ import annotations

import base64
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from benchmarks.fields import gaussian_field
from benchmarks.peers.peer import Array

Arrays = dict[str, Array]

MZML = "{http://psi.hupo.org/ms/mzml}"
# Two-dimensional pictures or stacks of them: what an image codec is made for.
IMAGES = frozenset({"eraint_z_i16", "eraint_u_i16", "eraint_v_i16", "retina_u8", "example4d_i16"})

# Floats that lie on a grid coarser than their type: packed integers, three decimals, few levels, a counter.
HIDDEN_GRID = frozenset({"eraint_z", "eraint_u", "eraint_v", "pbmc68k_X", "toa_brightness", "hepdata_i"})


def data_folder() -> Path:
    """``CDT_TEST_DATA``, or ``shared/data`` beside the repository."""
    return Path(os.environ.get("CDT_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))


def _eraint(path: Path) -> Arrays:
    """z, u and v as a reader unpacks them (float64) and as they are stored (int16)."""
    import xarray as xr

    raw = xr.load_dataset(path, engine="scipy", mask_and_scale=False)
    found: Arrays = {}
    for name in ("z", "u", "v"):
        packed, attributes = raw[name].values, raw[name].attrs
        # The arithmetic of the CF conventions in float64; the scale factors of this file are float64.
        found[f"eraint_{name}"] = packed.astype(np.float64) * attributes["scale_factor"] + attributes["add_offset"]
        found[f"eraint_{name}_i16"] = packed.astype(np.int16)
    return found


def _variables(**names: str) -> Callable[[Path], Arrays]:
    """A reader of netCDF variables: array name -> variable name; fill values become NaN."""

    def read(path: Path) -> Arrays:
        import xarray as xr

        with xr.open_dataset(path, engine="h5netcdf", decode_times=False) as file:
            return {name: file[variable].values for name, variable in names.items()}

    return read


def _grib(path: Path) -> Arrays:
    """All messages as (time, y, x) float32, which is what cfgrib gives a user."""
    import eccodes

    planes = []
    with path.open("rb") as file:
        while (message := eccodes.codes_grib_new_from_file(file)) is not None:
            shape = (eccodes.codes_get(message, "Nj"), eccodes.codes_get(message, "Ni"))
            planes.append(eccodes.codes_get_values(message).reshape(shape).astype(np.float32))
            eccodes.codes_release(message)
    return {"era5_t2m": np.stack(planes)}


def _vorticity(path: Path) -> Arrays:
    return {"vorticity": np.fromfile(path, "<f4").reshape(41, 128, 128)}


def _root(path: Path) -> Arrays:
    import uproot

    with uproot.open(path) as file:
        return {
            f"hepdata_{name}": np.ascontiguousarray(branch.array(library="np"), dtype=np.float32)
            for name, branch in file["ntuple"].items()
        }


def _ecg(path: Path) -> Arrays:
    """WFDB format 212: two 12-bit two's complement samples in three bytes; the record has two signals."""
    packed = np.fromfile(path, np.uint8).reshape(-1, 3).astype(np.int16)
    first = packed[:, 0] | (packed[:, 1] & 0x0F) << 8
    second = packed[:, 2] | (packed[:, 1] & 0xF0) << 4
    samples = np.stack([first, second], axis=1)
    return {"ecg_100_i16": (samples ^ 0x800) - np.int16(0x800)}


def _retina(path: Path) -> Arrays:
    import tifffile

    return {"retina_u8": tifffile.imread(path)}


def _mri(path: Path) -> Arrays:
    """Stored int16, in the order of the file (x fastest): a C-contiguous (t, z, y, x)."""
    import nibabel

    return {"example4d_i16": np.ascontiguousarray(nibabel.load(path).dataobj.get_unscaled().T)}


def _expression(path: Path) -> Arrays:
    import h5py

    with h5py.File(path) as file:
        return {"pbmc68k_X": file["X"][:]}


def _mzml(path: Path) -> Arrays:
    """All m/z arrays of the spectra one after another, and all intensity arrays."""
    parts: dict[str, list[Array]] = {"mzml_mz": [], "mzml_intensity": []}
    spectra = ElementTree.parse(path).iter(f"{MZML}spectrum")
    for element in (array for spectrum in spectra for array in spectrum.iter(f"{MZML}binaryDataArray")):
        terms = {term.get("name") for term in element.iter(f"{MZML}cvParam")}
        raw = base64.b64decode(element.findtext(f"{MZML}binary") or "")
        raw = zlib.decompress(raw) if "zlib compression" in terms else raw
        name = "mzml_mz" if "m/z array" in terms else "mzml_intensity"
        parts[name].append(np.frombuffer(raw, "<f8" if "64-bit float" in terms else "<f4"))
    return {name: np.concatenate(found) for name, found in parts.items()}


FILES: dict[str, Callable[[Path], Arrays]] = {
    "geospatial/eraint_uvz.nc": _eraint,
    "geospatial/A1B_north_america.nc": _variables(a1b="air_temperature"),
    "geospatial/orca2_votemper.nc": _variables(votemper="votemper"),
    "geospatial/nemo_1m_20150101-20150201_grid-T.nc": _variables(
        nemo_tos="tos",
        nemo_lon="nav_lon",
        nemo_lat="nav_lat",
        nemo_bounds_lon="bounds_lon",
        nemo_bounds_lat="bounds_lat",
    ),
    "geospatial/toa_brightness_stereographic.nc": _variables(toa_brightness="data"),
    "geospatial/era5_t2m_uk_dev.grib": _grib,
    "physics/vorticity_41x128x128.f32": _vorticity,
    "physics/uproot-hepdata-example.root": _root,
    "clinical/100.dat": _ecg,
    "imaging_microscopy/retina.ome.tif": _retina,
    "imaging_medical/example4d.nii.gz": _mri,
    "transcriptomics/pbmc68k_reduced_dev.h5ad": _expression,
    "proteomics/small.mzML": _mzml,
}


def _grf192() -> Array:
    return gaussian_field(192)


def _logn160() -> Array:
    return np.exp(1.5 * gaussian_field(160).astype(np.float64))


def _large() -> Array:
    """256 MiB of float32: four fields of 256^3, one behind the other, none of which repeats."""
    return np.concatenate([gaussian_field(256, seed=seed) for seed in range(4)])


GENERATED: dict[str, Callable[[], Array]] = {"grf192": _grf192, "logn160": _logn160}
LARGE: dict[str, Callable[[], Array]] = {"grf_256MiB": _large}


def generated(name: str, folder: Path | None) -> Array:
    """A generated field from the cache ``folder`` (default: the system's temporary folder), made when it is not there."""
    folder = folder or Path(tempfile.gettempdir()) / "cdt-benchmark-fields"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.npy"
    if not path.is_file():
        part = path.with_suffix(f".{os.getpid()}.npy")
        np.save(part, (GENERATED | LARGE)[name]())
        part.replace(path)
    field: Array = np.load(path)
    return field


def load(cache: Path | None, wanted: Sequence[str] = ()) -> Iterator[tuple[str, Array | str]]:
    """Name and array of each (of those ``wanted``, when given), or of a file why it is skipped; C order, native bytes."""
    for file, read in FILES.items():
        path = data_folder() / file
        if not path.is_file():
            yield file, f"{path} is not there; set CDT_TEST_DATA to the folder of the test data"
            continue
        for name, array in read(path).items():
            if not wanted or name in wanted:
                yield name, np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
    for name in GENERATED:
        if not wanted or name in wanted:
            yield name, generated(name, cache)
