"""Planning beside the treatment it is for: its cost, and how near its predictions come."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import xarray as xr

import cdt_core as cdt
from benchmarks.fields import gaussian_field
from cdt_core import api


def _tables(columns: int, rows: int) -> xr.Dataset:
    values = np.random.default_rng(0).normal(size=(columns, rows))
    return xr.Dataset({f"v{number}": ("row", column) for number, column in enumerate(values)})


def _fields(count: int) -> xr.Dataset:
    field = gaussian_field(160)
    return xr.Dataset({f"v{number}": (("z", "y", "x"), np.roll(field, number)) for number in range(count)})


class Plan:
    """Processor seconds of planning, its share of the treatment, and the errors of what is predicted."""

    params = (["tables", "fields"],)
    param_names = ("data",)
    timeout = 300

    def setup(self, data):
        self.data = _tables(300, 1000) if data == "tables" else _fields(6)
        self.folder = Path(tempfile.mkdtemp())
        self.spent = 0.0
        self.plan = api._plan
        api._plan = self._timed
        cdt.plan(self.data, bound="rel:1e-3", workers=1)  # what is imported at first use

    def teardown(self, data):
        api._plan = self.plan
        shutil.rmtree(self.folder)

    def _timed(self, *given):
        begin = time.process_time()
        made = self.plan(*given)
        self.spent = time.process_time() - begin
        return made

    def _treat(self):
        return cdt.treat(self.data, self.folder / "out", bound="rel:1e-3", workers=1, overwrite=True)

    def track_planning_seconds(self, data):
        cdt.plan(self.data, bound="rel:1e-3", workers=1)
        return self.spent

    def track_planning_share(self, data):
        begin = time.process_time()
        self._treat()
        return self.spent / (time.process_time() - begin)

    def track_seconds_error(self, data):
        done = self._treat()
        return abs(done.plan.predicted_seconds / sum(done.variable_seconds.values()) - 1)

    def track_bytes_error(self, data):
        done = self._treat()
        return abs(done.plan.predicted_bytes / done.stored_bytes - 1)
