"""DICOM files for the tests, made from nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmwrite
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, generate_uid


def image(values: np.ndarray, **elements: Any) -> FileDataset:
    """A data set whose pixels are ``values`` (rows, columns), with what else is asked for."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(
        entropy_srcs=[values.tobytes().hex(), str(elements.get("InstanceNumber"))]
    )
    meta.TransferSyntaxUID = elements.pop("syntax", ExplicitVRLittleEndian)
    made = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    made.SOPClassUID, made.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    made.Modality, made.PatientName, made.SeriesInstanceUID = "CT", "Doe^Jane", "1.2.3"
    made.Rows, made.Columns = values.shape[:2]
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated = made.BitsStored = 8 * values.dtype.itemsize
    made.HighBit = made.BitsStored - 1
    made.PixelRepresentation = int(values.dtype.kind == "i")
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    raw = values.tobytes()
    made.add_new(0x7FE00010, "OW" if made.BitsAllocated > 8 else "OB", raw + bytes(len(raw) % 2))
    return made


def saved(path: Path, made: FileDataset) -> Path:
    """Write ``made`` to ``path``."""
    syntax = UID(made.file_meta.TransferSyntaxUID)
    form = {"implicit_vr": syntax.is_implicit_VR, "little_endian": syntax.is_little_endian}
    dcmwrite(path, made, enforce_file_format=True, **form)
    return path


def slices(folder: Path, volume: np.ndarray, **elements: Any) -> Path:
    """One file per plane of ``volume``, 2.5 mm apart, written in an order that is not theirs."""
    folder.mkdir(exist_ok=True)
    for index in np.random.default_rng(7).permutation(len(volume)).tolist():
        named = {key: value[index] if isinstance(value, list) else value for key, value in elements.items()}
        placed = {
            "ImagePositionPatient": [-10.0, -20.0, 5.0 + 2.5 * index],
            "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
            "PixelSpacing": [0.5, 0.75],
            "InstanceNumber": len(volume) - index,
        }
        saved(folder / f"{len(list(folder.iterdir())):03}.dcm", image(volume[index], **{**placed, **named}))
    return folder
