"""The main job end to end, on a generated field."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np

import cdt_core as cdt
from benchmarks.fields import gaussian_field


class Treat:
    params = (["rel:1e-3", "lossless"], [1, 2])
    param_names = ("bound", "workers")
    timeout = 300

    def setup(self, bound, workers):
        self.folder = Path(tempfile.mkdtemp())
        self.source = self.folder / "field.npy"
        np.save(self.source, gaussian_field(192))

    def teardown(self, bound, workers):
        shutil.rmtree(self.folder)

    def _treat(self, bound, workers):
        return cdt.treat(self.source, self.folder / "out", bound=bound, workers=workers, overwrite=True)

    def time_treat(self, bound, workers):
        self._treat(bound, workers)

    def peakmem_treat(self, bound, workers):
        self._treat(bound, workers)

    def track_ratio(self, bound, workers):
        return self._treat(bound, workers).ratio

    def track_max_error_over_bound(self, bound, workers):
        treatment = self._treat(bound, workers)
        applied = treatment.plan["array"].applied
        error = treatment.outcomes[0].max_error
        return error if applied.is_lossless else error / applied.value


class Imports:
    """What a user waits for before anything happens."""

    def timeraw_import_cdt_core(self):
        return "import cdt_core"

    def timeraw_help(self):
        return """
        import contextlib, io, sys
        sys.argv = ["cdt", "--help"]
        from cdt_core.cli import app
        with contextlib.redirect_stdout(io.StringIO()):
            app(standalone_mode=False)
        """
