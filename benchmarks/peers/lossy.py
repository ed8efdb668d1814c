"""Error-bounded peers: what a user of each package would write, conversions included."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.peer import Array, Peer, Streams


def whole(bound: float) -> float:
    """The bound that keeps integers within ``bound`` after rounding: a whole number, or just below one half for lossless."""
    return float(np.floor(bound)) or 0.49


def folded(array: Array, ndim: int) -> Array:
    """The array without axes of length 1 and with leading axes merged until ``ndim`` are left."""
    array = array.squeeze()
    return array.reshape(-1, *array.shape[array.ndim - ndim + 1 :]) if array.ndim > ndim else array


def narrowed(decoded: Array, like: Array) -> Array:
    """Decoded values in the array's type: rounded and clipped where it is an integer one (clipping cannot add error)."""
    if like.dtype.kind == "f":
        return decoded.astype(like.dtype, copy=False)
    limits = np.iinfo(like.dtype)
    values = np.rint(decoded) if decoded.dtype.kind == "f" else decoded
    return np.clip(values, limits.min, limits.max).astype(like.dtype, copy=False)


def _nan_reason(array: Array) -> str:
    return "NaN is not supported" if array.dtype.kind == "f" and not np.isfinite(array).all() else ""


class Sz3(Peer):
    """SZ3 as pysz sets it up: interpolation or Lorenzo, chosen by sampling."""

    name = "SZ3"
    algorithm = "INTERP_LORENZO"

    def views(self, array: Array) -> list[Array]:
        flat = array.squeeze()
        return [flat, folded(flat, 3)] if flat.ndim > 3 else [flat]

    def encode(self, array: Array, bound: float) -> Streams:
        from pysz import sz, szAlgorithm, szConfig, szErrorBoundMode

        if array.dtype.kind in "iu" and array.itemsize < 4:
            array = array.astype(np.int32)
        config = szConfig(array.shape)
        config.errorBoundMode = szErrorBoundMode.ABS
        config.absErrorBound = whole(bound) if array.dtype.kind in "iu" else bound
        config.cmprAlgo = getattr(szAlgorithm, self.algorithm)
        return [sz.compress(array, config)[0]]

    def decode(self, streams: Streams, like: Array) -> Array:
        from pysz import sz

        narrow = like.dtype.kind in "iu" and like.itemsize < 4
        decoded = sz.decompress(streams[0], np.int32 if narrow else like.dtype, like.shape)[0]
        return narrowed(decoded, like) if narrow else decoded


class Sz3LorenzoRegression(Sz3):
    name = "SZ3 Lorenzo+regression"
    algorithm = "LORENZO_REG"


class _FloatOnly(Peer):
    """A lossy codec of floats: small integers travel as float32 and are rounded back."""

    def refuses(self, array: Array, bound: float) -> str:
        return _nan_reason(array)

    def _floats(self, array: Array, bound: float) -> tuple[Array, float]:
        if array.dtype.kind == "f":
            return array, bound
        return array.astype(np.float32 if array.itemsize < 4 else np.float64), whole(bound)


class Sperr(_FloatOnly):
    name = "SPERR"
    isolated = True

    def refuses(self, array: Array, bound: float) -> str:
        return super().refuses(array, bound) or ("1-d is not supported" if array.squeeze().ndim < 2 else "")

    def views(self, array: Array) -> list[Array]:
        return [folded(array, 3)]

    def encode(self, array: Array, bound: float) -> Streams:
        import imagecodecs

        values, limit = self._floats(array, bound)
        return [imagecodecs.sperr_encode(values, limit, "pwe", numthreads=1)]

    def decode(self, streams: Streams, like: Array) -> Array:
        import imagecodecs

        kind = like.dtype if like.dtype.kind == "f" else np.float32 if like.itemsize < 4 else np.float64
        return narrowed(imagecodecs.sperr_decode(streams[0], shape=like.shape, dtype=kind, numthreads=1), like)


class Zfp(_FloatOnly):
    name = "ZFP"

    def views(self, array: Array) -> list[Array]:
        flat = array.squeeze()
        return [flat, folded(flat, 3)] if flat.ndim > 3 else [flat]

    def encode(self, array: Array, bound: float) -> Streams:
        import imagecodecs

        values, limit = self._floats(array, bound)
        return [imagecodecs.zfp_encode(values, limit, mode="a", execution="serial", numthreads=1)]  # type: ignore[arg-type]

    def decode(self, streams: Streams, like: Array) -> Array:
        import imagecodecs

        return narrowed(imagecodecs.zfp_decode(streams[0], numthreads=1), like)


class Lerc(Peer):
    """Stacks of planes; missing values travel as its validity mask."""

    name = "LERC"

    def views(self, array: Array) -> list[Array]:
        return [folded(array, 3)]

    def encode(self, array: Array, bound: float) -> Streams:
        import imagecodecs

        missing = np.isnan(array) if array.dtype.kind == "f" else None
        masks = None if missing is None or not missing.any() else ~missing
        limit = bound if array.dtype.kind == "f" else float(np.floor(bound))
        return [imagecodecs.lerc_encode(array, limit, masks=masks, compression="zstd")]

    def decode(self, streams: Streams, like: Array) -> Array:
        import imagecodecs

        decoded, masks = imagecodecs.lerc_decode(streams[0], masks=True)
        decoded = decoded.reshape(like.shape)
        if masks is not None and like.dtype.kind == "f":
            decoded[~masks.astype(bool).reshape(like.shape)] = np.nan
        return decoded
