# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The compiled kernels of tensor decompositions. Shapes and types are checked here, everything else is C."""

from cdt_status cimport check, must_be_aligned

import os

import numpy as np

from cdt_core.errors import CdtError

include "levels.pxi"
include "tensor_kernels.pxi"
include "mttkrp.pxi"
include "normal.pxi"
include "tall.pxi"
include "product.pxi"
