"""Every error that cdt raises on purpose: one tree under :class:`CdtError`.

A message says what was wrong, where (file, variable, chunk, offset) and what to do. A library's own exception is
always the ``__cause__`` of one of these, never what a caller sees.
"""

from __future__ import annotations

__all__ = [
    "AccessError",
    "AggregationError",
    "AnnealError",
    "BoundError",
    "BudgetError",
    "CdtError",
    "CertificateError",
    "CorruptStreamError",
    "FederatedError",
    "OutputError",
    "PlanError",
    "PluginError",
    "PrivacyError",
    "ProtocolError",
    "ReaderError",
    "RegionError",
    "SelectError",
    "TensorError",
    "TreatmentError",
    "UnsupportedDtypeError",
]


class CdtError(Exception):
    """Base of all errors raised by cdt. ``exit_code`` is what the command line returns."""

    exit_code = 2


class BoundError(CdtError, ValueError):
    """An error bound makes no sense, or cannot be applied to the variable that it names."""


class UnsupportedDtypeError(CdtError, TypeError):
    """An array has a data type that no codec of cdt can hold."""


class ReaderError(CdtError):
    """A file could not be read: missing, truncated, corrupt, hostile, or of an unknown format."""


class CorruptStreamError(CdtError, ValueError):
    """A compressed stream is truncated, mutated, or not a stream of cdt."""


class RegionError(CdtError, ValueError):
    """A part of an array, or an array to put it into, does not fit the array."""


class TensorError(CdtError, ValueError):
    """An array, rank or tolerance that no decomposition can have, or a function that returned what is no number."""


class AnnealError(CdtError, ValueError):
    """A problem, state or schedule that no annealing can have: names the index of what is wrong."""


class SelectError(CdtError, ValueError):
    """Features that cannot be selected, or samples that cannot be assigned: names the column, row or group."""


class PlanError(CdtError, ValueError):
    """A plan is malformed, does not fit the dataset, or its budget cannot be met."""


class PluginError(CdtError):
    """A plugin's function is missing or returned what its hook does not allow."""


class TreatmentError(CdtError):
    """A chunk could not be treated; names the variable and the chunk."""


class OutputError(CdtError):
    """The output folder cannot be written, exists already, or is not a treatment."""


class CertificateError(CdtError):
    """A certificate, key or policy cannot be used, or a folder is no treatment."""


class AggregationError(CdtError, ValueError):
    """Updates, weights or a parameter with which a rule has no meaning; names the update (its row) and the coordinate."""


class FederatedError(CdtError):
    """A round, strategy or federated statistic cannot go on as asked: names the round, the site or the argument."""


class PrivacyError(CdtError, ValueError):
    """A mechanism, combination or release that would not keep what it promises; says which promise and why."""


class BudgetError(PrivacyError):
    """A release would exceed the privacy budget of its dataset; nothing was computed and nothing was spent."""


class ProtocolError(CdtError):
    """Bytes from another site or coordinator are malformed, forged, repeated or out of turn, or too few to go on."""


class AccessError(CdtError):
    """An agreement does not allow what was asked; names the rule."""
