"""Does a codec keep its contract: the bound exactly, the same bytes every time, and any Zarr reader decodes them?"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from cdt_core.errors import CorruptStreamError
from cdt_core.hooks.contracts import ChunkCodec, Encoded
from cdt_core.hooks.descriptor import CodecOffer
from cdt_core.kernels import stats
from cdt_core.model import Bound
from cdt_core.testing.contract import ContractError, called, loaded, require
from cdt_core.testing.sample import SampleVariable, sample_variables

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["check_codec"]

_OBJECTIVES = ("speed", "balanced", "size")


def check_codec(offer: CodecOffer, samples: Iterable[SampleVariable] | None = None) -> None:
    """Encode and decode with every parameter set that a codec proposes, under every kind of bound that it offers.

    Every value keeps the bound, compared exactly; missing codes, NaN and infinities stay as they are, bit for bit; the same
    values give the same bytes, from several threads too; the input is not changed; a stream that is cut short or is none at all
    raises ``CorruptStreamError`` or gives an array of the right shape, nothing else; and Zarr decodes the stream by the codec's
    own metadata.

    Parameters
    ----------
    offer
        The descriptor, as the plugin's hook returns it.
    samples
        What to run on; by default :func:`cdt_core.testing.sample_variables` of the offer's kinds.

    Raises
    ------
    ContractError
        Which promise was broken, on which sample, with which parameters.
    """
    kind = loaded(offer, CodecOffer)
    kinds = "".join(letter for letter in offer.dtype_kinds if letter in "iufb")
    for sample in sample_variables(kinds) if samples is None else samples:
        if not sample.original.size:
            continue  # the engine never has a chunk without values
        for bound in _bounds(offer, sample):
            for number, parameters in enumerate(_proposed(offer, kind, sample, bound)):
                made = called(f"codec {offer.name!r}: making it", kind, parameters, bound, sample.missing)
                _Trial(offer, made, sample, bound, parameters).run(with_zarr=number == 0)


def _bounds(offer: CodecOffer, sample: SampleVariable) -> list[Bound]:
    """One bound of each kind that makes sense for the sample."""
    spread = sample.profile.value_range
    wide = 1e-3 * spread if spread is not None and spread < np.inf else 1.0
    values = {"abs": wide or 1.0 if sample.original.dtype.kind == "f" else 2.0, "pw_rel": 1e-3, "lossless": 0.0}
    values["rmse"] = values["abs"]
    fits = {"lossless"} if sample.original.dtype.kind == "b" else set(values)
    return [Bound(kind, values[kind]) for kind in offer.bounds if kind in fits]


def _proposed(offer: CodecOffer, kind: Any, sample: SampleVariable, bound: Bound) -> list[Mapping[str, Any]]:
    """The parameter sets for all objectives, each once."""
    found: dict[str, Mapping[str, Any]] = {}
    for objective in _OBJECTIVES:
        where = f"codec {offer.name!r}: candidates for {objective}"
        for parameters in called(where, kind.candidates, sample.spec, sample.profile, bound, objective):
            try:
                found[json.dumps(dict(parameters), sort_keys=True)] = parameters
            except (TypeError, ValueError) as error:
                raise ContractError(f"{where}: {parameters!r} is not plain JSON: {error}") from error
    require(bool(found), f"codec {offer.name!r} on {sample.name!r}: proposes nothing under {bound}")
    return list(found.values())


@frozen(eq=False)
class _Trial:
    offer: CodecOffer
    codec: ChunkCodec
    sample: SampleVariable
    bound: Bound
    parameters: Mapping[str, Any]

    @property
    def where(self) -> str:
        return f"codec {self.offer.name!r} with {dict(self.parameters)} on {self.sample.name!r} under {self.bound}"

    @property
    def values(self) -> NDArray[Any]:
        return self.sample.original

    def run(self, with_zarr: bool) -> None:
        """Encode, decode, encode again, damage; and have Zarr read it."""
        encoded = self.encoded()
        self.check_decoded(called(f"{self.where}: decode", self.decoded, encoded.stream))
        with ThreadPoolExecutor(2) as threads:
            again = list(threads.map(lambda _: self.encoded().stream, range(3)))
        require(all(stream == encoded.stream for stream in again), f"{self.where}: the same values give other bytes")
        self.check_damage(encoded.stream)
        if with_zarr:
            self.check_zarr(encoded.stream)

    def encoded(self) -> Encoded:
        given = self.values.copy()
        found: Encoded = called(f"{self.where}: encode", self.codec.encode, given)
        require(given.tobytes() == self.values.tobytes(), f"{self.where}: encode changed the values that it was given")
        require(isinstance(found, Encoded), f"{self.where}: encode returned a {type(found).__name__}, not an Encoded")
        require(type(found.stream) is bytes, f"{self.where}: the stream is a {type(found.stream).__name__}, not bytes")
        return found

    def decoded(self, stream: bytes) -> NDArray[Any]:
        return self.codec.decode(stream, self.values.shape, self.values.dtype)

    def check_decoded(self, found: NDArray[Any]) -> None:
        """Shape, dtype, and every value within the bound."""
        self.check_layout(found, "decode")
        if self.bound.is_lossless:
            require(found.tobytes() == self.values.tobytes(), f"{self.where}: decode gives other values")
            return
        missing = stats.mask(self.values, self.sample.missing)
        compared = stats.compare(self.values, np.asarray(found), missing=missing, bound=self.bound)
        require(not compared.over_bound, f"{self.where}: {compared.over_bound} values are over the bound")
        within = compared.mismatched or compared.keeps(self.bound)
        require(bool(within), f"{self.where}: a root mean square error of {compared.rms_error:g} is over the bound")
        changed = compared.mismatched
        require(not changed, f"{self.where}: {changed} missing codes, NaN or infinities are not what they were")

    def check_layout(self, found: NDArray[Any], step: str) -> None:
        same = found.shape == self.values.shape and found.dtype == self.values.dtype
        layouts = f"{found.shape} {found.dtype}, not {self.values.shape} {self.values.dtype}"
        require(same, f"{self.where}: {step} gives {layouts}")

    def check_damage(self, stream: bytes) -> None:
        """What is no stream of this array is refused as such."""
        for damaged in (b"", stream[: len(stream) // 2], stream[:-1], b"\xff" * 40, stream + b"\0"):
            try:
                found = self.decoded(damaged)
            except CorruptStreamError:
                continue
            except Exception as error:  # anything else is what is looked for
                kind = type(error).__name__
                raise ContractError(
                    f"{self.where}: a damaged stream raised {kind}, not CorruptStreamError: {error}"
                ) from error
            self.check_layout(found, "decode of a damaged stream")

    def check_zarr(self, stream: bytes) -> None:
        """An array of one chunk whose metadata names the codec's own chain, read by Zarr."""
        import zarr

        shape, dtype = self.values.shape, self.values.dtype
        chain = called(f"{self.where}: metadata", self.codec.metadata, dtype)
        document = {
            "zarr_format": 3,
            "node_type": "array",
            "shape": list(shape),
            "data_type": dtype.name,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(shape)}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": dtype.type(0).item(),
            "codecs": chain,
            "attributes": {},
        }
        with tempfile.TemporaryDirectory() as folder:
            chunk = Path(folder, "c", *("0" for _ in shape))
            chunk.parent.mkdir(parents=True, exist_ok=True)
            chunk.write_bytes(stream)
            Path(folder, "zarr.json").write_text(called(f"{self.where}: metadata", json.dumps, document))
            read = called(f"{self.where}: Zarr, by {chain}", lambda: np.asarray(zarr.open_array(folder, mode="r")[...]))
        self.check_decoded(read.astype(dtype.newbyteorder("="), copy=False))
