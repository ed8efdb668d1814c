# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The compiled core of streams. Shapes and types are checked here, everything else is C."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from cdt_status cimport CDT_OK, check, must_be_aligned

import os

import numpy as np

from cdt_core.errors import CdtError

include "levels.pxi"
include "simd.pxi"
include "lorenzo.pxi"
include "planes.pxi"
include "rans.pxi"
include "stream.pxi"
