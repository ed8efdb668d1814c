"""What one streaming pass learned of a dataset."""

from __future__ import annotations

from functools import cached_property

from attrs import frozen

__all__ = ["Profile", "VariableProfile"]


@frozen
class VariableProfile:
    """Facts of one variable, on physical (decoded) values; counts are of values, moments of the finite ones.

    ``minimum`` .. ``std`` are ``None`` when there is no finite value. ``missing`` counts declared missing values (fill
    codes; NaN in variables that declare NaN or nothing); ``nan`` and ``infinite`` count the values themselves.
    ``roughness`` is, per axis, the mean absolute step between neighbours over the standard deviation, from sampled
    blocks: near 0 smooth, near 1.13 white noise. ``noise_floor`` is a robust estimate, in the variable's units, of the
    standard deviation of what no neighbour predicts (second differences of the smoothest axis, MAD / 0.6745 / sqrt(6)).
    """

    name: str
    count: int
    missing: int = 0
    nan: int = 0
    infinite: int = 0
    minimum: float | int | None = None
    maximum: float | int | None = None
    mean: float | None = None
    std: float | None = None
    zeros: int = 0
    roughness: tuple[float | None, ...] = ()
    noise_floor: float | None = None
    input_digest: str = ""

    @property
    def value_range(self) -> float | None:
        """Largest minus smallest finite value."""
        if self.minimum is None or self.maximum is None:
            return None
        return float(self.maximum) - float(self.minimum)


@frozen
class Profile:
    """The profiles of all variables, in the dataset's order."""

    variables: tuple[VariableProfile, ...]

    def __getitem__(self, name: str) -> VariableProfile:
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, VariableProfile]:
        return {variable.name: variable for variable in self.variables}
