"""Real measurements that come with PyWavelets, as one dataset: something to treat without looking for data first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["DEMO_BOUNDS", "demo_dataset"]

#: What the demo asks for: each variable in the terms of its field.
DEMO_BOUNDS = {"sst": "abs:0.01", "ecg": "rel:1e-3", "camera": "lossless", "ascent": "abs:2"}


def demo_dataset() -> xr.Dataset:
    """An electrocardiogram, El Nino sea-surface temperature anomalies and two photographs.

    Shapes: ``ecg`` (1024,), ``sst`` (264,), ``camera`` and ``ascent`` (512, 512) uint8. Sources are named in the attributes.
    """
    import pywt.data
    import xarray as xr

    quarter, temperature = pywt.data.nino()
    ecg = np.asarray(pywt.data.ecg(), dtype=np.int16)
    return xr.Dataset(
        {
            "ecg": ("sample", ecg, {"long_name": "electrocardiogram", "units": "1", "comment": "raw converter counts"}),
            "sst": (
                "quarter",
                np.asarray(temperature, dtype=np.float64),
                {"long_name": "sea surface temperature anomaly, El Nino region", "units": "degC"},
            ),
            "camera": (("y", "x"), np.asarray(pywt.data.camera(), dtype=np.uint8), {"units": "1"}),
            "ascent": (("y", "x"), np.asarray(pywt.data.ascent(), dtype=np.uint8), {"units": "1"}),
        },
        coords={"quarter": ("quarter", np.asarray(quarter), {"long_name": "decimal year", "units": "year"})},
        attrs={"title": "Demonstration data of PyWavelets", "source": "pywt.data: ecg, nino, camera, ascent"},
    )
