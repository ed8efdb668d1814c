"""check_reader passes good readers, the core's own included, and names what is wrong with broken ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from cdt_core.hooks import Magic, Reader
from cdt_core.readers.offers import READERS
from cdt_core.testing import ContractError, check_reader

NUMBERS = np.array([1.5, np.nan, -np.inf, 2.25, 1e300])
FIELD = np.where(np.arange(60).reshape(5, 12) % 7 == 3, np.nan, np.arange(60).reshape(5, 12)).astype("float32")

BROKEN = {
    "shortening": (r"has shape .* \(cut to \d+ of 48 bytes, and no error\)", {}),
    "rescaled": ("'numbers' has other values than expected", {}),
    "renamed": ("has no variable numbers; it has values", {}),
    "signing": ("reading changed the file", {}),
    "not_a_dataset": ("cannot be read as x", {"lazy": False}),
    "eager": ("opening it read all of numbers", {"lazy": True}),
}


def offer(function: str, **more: Any) -> Reader:
    more.setdefault("patterns", ("*.two",))
    return Reader(name="x", function=f"tests.testing.broken:{function}", **more)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.two"
    path.write_bytes(b"TWO!" + len(NUMBERS).to_bytes(4, "little") + NUMBERS.astype("<f8").tobytes())
    return path


def test_good_readers_pass(path: Path) -> None:
    check_reader(offer("lazy"), path, {"numbers": NUMBERS})
    check_reader(offer("eager"), path, {"numbers": NUMBERS}, lazy=False)


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_reader_is_found(path: Path, fault: str) -> None:
    broken, how = BROKEN[fault]
    with pytest.raises(ContractError, match=f"reader 'x' on a.two: .*{broken}"):
        check_reader(offer(fault), path, {"numbers": NUMBERS}, **{"lazy": False, **how})


def test_a_reader_that_is_not_chosen_is_found(path: Path) -> None:
    with pytest.raises(ContractError, match="neither patterns nor magic nor markers match"):
        check_reader(offer("lazy", patterns=("*.three",)), path, {})
    other = Reader(name="other", function="a:b", patterns=("*.two",), priority=1)
    with pytest.raises(ContractError, match="'other' is tried first; give it magic bytes, or a higher priority"):
        check_reader(offer("lazy"), path, {}, others=[other])
    check_reader(offer("lazy", magic=(Magic(0, b"TWO!"),)), path, {"numbers": NUMBERS}, others=[other])


def write(path: Path, name: str) -> tuple[Path, dict[str, np.ndarray]]:
    """A file of each format of the core, with what a user should see in it."""
    place = path / name
    dataset = xr.Dataset({"u": (("y", "x"), FIELD)})
    columns = {"p": FIELD[:, 0], "q": FIELD[:, 1]}
    if name.endswith(".npy"):
        np.save(place, FIELD)
        return place, {"array": FIELD}
    if name.endswith(".npz"):
        np.savez(place, u=FIELD)
    elif name == "classic.nc":
        dataset.to_netcdf(place, engine="scipy", format="NETCDF3_CLASSIC")
    elif name.endswith((".nc", ".h5")):
        dataset.to_netcdf(place, engine="h5netcdf")
    elif name.endswith(".zarr"):
        dataset.to_zarr(place, consolidated=False)
    elif name.endswith(".parquet"):
        pd.DataFrame(columns).to_parquet(place)
        return place, columns
    else:
        pd.DataFrame(columns).to_csv(place, index=False)
        return place, columns
    return place, {"u": FIELD}


FILES = {
    "a.npy": "npy",
    "a.npz": "npz",
    "a.nc": "netcdf",
    "classic.nc": "netcdf",
    "a.h5": "hdf5",
    "a.zarr": "zarr",
    "a.parquet": "parquet",
    "a.csv": "csv",
}


@pytest.mark.parametrize("name", FILES)
def test_the_readers_of_the_core_keep_the_contract(tmp_path: Path, name: str) -> None:
    """Text is parsed when it is opened, and a part of it is a whole table."""
    place, expected = write(tmp_path, name)
    (reader,) = [reader for reader in READERS if reader.name == FILES[name]]
    is_text = name == "a.csv"
    check_reader(reader, place, expected, lazy=not is_text, truncation=not is_text)


def test_every_reader_of_the_core_is_held_to_it() -> None:
    assert {reader.name for reader in READERS} == set(FILES.values())
