"""One small adapter per peer: what a user of its Python package would write, conversions included.

``encode`` takes an array and an absolute bound (0: lossless) and gives streams; ``decode`` gives the array back in its type.
Shape and type travel beside the stream, as they would in the metadata of a store. Everything runs on one thread.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]
Streams = Sequence[bytes]


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


class Peer(ABC):
    """A compressor; ``refuses`` says why it cannot take an array ('' when it can)."""

    name: str
    lossy: ClassVar[bool] = True
    # A crash of its library kills the interpreter: it runs in a child process.
    isolated: ClassVar[bool] = False

    def refuses(self, array: Array, bound: float) -> str:
        return ""

    def views(self, array: Array) -> list[Array]:
        """The shapes to try; the best ratio counts."""
        return [array.squeeze()]

    @abstractmethod
    def encode(self, array: Array, bound: float) -> Streams: ...

    @abstractmethod
    def decode(self, streams: Streams, like: Array) -> Array: ...


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
        return [imagecodecs.zfp_encode(values, limit, mode="a", execution="serial", numthreads=1)]

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


class Pcodec(Peer):
    name = "pcodec 8"
    lossy = False

    def encode(self, array: Array, bound: float) -> Streams:
        from pcodec import ChunkConfig, standalone

        return [standalone.simple_compress(array.ravel(), ChunkConfig(compression_level=8))]

    def decode(self, streams: Streams, like: Array) -> Array:
        from pcodec import standalone

        return standalone.simple_decompress(streams[0]).reshape(like.shape)

    def refuses(self, array: Array, bound: float) -> str:
        return "8-bit types are not supported" if array.itemsize < 2 else ""


class OpenZl(Peer):
    """The generic graph on a numeric input."""

    name = "OpenZL"
    lossy = False

    def encode(self, array: Array, bound: float) -> Streams:
        from openzl import ext

        compressor = ext.Compressor()
        compressor.select_starting_graph(ext.graphs.Compress()(compressor))
        context = ext.CCtx()
        context.ref_compressor(compressor)
        context.set_parameter(ext.CParam.FormatVersion, ext.MAX_FORMAT_VERSION)
        words = array.ravel().view(f"u{array.itemsize}")
        return [context.compress([ext.Input(ext.Type.Numeric, words)])]

    def decode(self, streams: Streams, like: Array) -> Array:
        from openzl import ext

        output = ext.DCtx().decompress(streams[0])[0]
        return output.content.as_nparray().view(like.dtype).reshape(like.shape)


class _Blosc(Peer):
    lossy = False
    filters: ClassVar[tuple[str, ...]]
    codec: ClassVar[str]

    def encode(self, array: Array, bound: float) -> Streams:
        import blosc2

        filters = [getattr(blosc2.Filter, name) for name in self.filters]
        codec = getattr(blosc2.Codec, self.codec)
        return [blosc2.compress2(array, typesize=array.itemsize, codec=codec, clevel=5, filters=filters, nthreads=1)]

    def decode(self, streams: Streams, like: Array) -> Array:
        import blosc2

        return np.frombuffer(blosc2.decompress2(streams[0], nthreads=1), like.dtype).reshape(like.shape)


class BloscByteDelta(_Blosc):
    name = "blosc2 bytedelta+zstd5"
    filters = ("SHUFFLE", "BYTEDELTA")
    codec = "ZSTD"


class BloscBitShuffle(_Blosc):
    name = "blosc2 bitshuffle+lz4"
    filters = ("BITSHUFFLE",)
    codec = "LZ4"


class Zstd(Peer):
    name = "zstd 3"
    lossy = False

    def encode(self, array: Array, bound: float) -> Streams:
        import zstandard

        return [zstandard.ZstdCompressor(level=3).compress(array)]

    def decode(self, streams: Streams, like: Array) -> Array:
        import zstandard

        return np.frombuffer(zstandard.ZstdDecompressor().decompress(streams[0]), like.dtype).reshape(like.shape)


class Fpzip(Peer):
    name = "fpzip"
    lossy = False

    def refuses(self, array: Array, bound: float) -> str:
        return "" if array.dtype.kind == "f" and array.itemsize >= 4 else "only float32 and float64 are supported"

    def encode(self, array: Array, bound: float) -> Streams:
        import fpzip

        return [fpzip.compress(array, precision=0, order="C")]

    def decode(self, streams: Streams, like: Array) -> Array:
        import fpzip

        return fpzip.decompress(streams[0], order="C").reshape(like.shape)


class _Picture(Peer):
    """A codec of integer images: the last two axes are a picture (three when they are RGB), each a stream of its own."""

    lossy = False

    def refuses(self, array: Array, bound: float) -> str:
        shape = array.squeeze().shape
        picture = len(shape) > 1 and (shape[-1] == 3 or min(shape[-2:]) > 8)
        return "" if picture and array.dtype.kind in "iu" and array.itemsize < 3 else "only 8 or 16 bit integer images"

    def _pictures(self, array: Array) -> Array:
        if array.dtype.kind == "i":
            # Signed to unsigned: the smallest value becomes 0.
            unsigned = np.dtype(f"u{array.itemsize}")
            array = array.view(unsigned) ^ unsigned.type(1 << (8 * array.itemsize - 1))
        return array[None] if array.shape[-1] == 3 else array.reshape(-1, *array.shape[-2:])

    def _array(self, pictures: list[Array], like: Array) -> Array:
        values = np.stack(pictures).reshape(like.shape)
        if like.dtype.kind == "i":
            values = (values ^ values.dtype.type(1 << (8 * like.itemsize - 1))).view(like.dtype)
        return values


class JpegXl(_Picture):
    name = "JPEG-XL e3"

    def encode(self, array: Array, bound: float) -> Streams:
        import imagecodecs

        return [imagecodecs.jpegxl_encode(p, lossless=True, effort=3, numthreads=1) for p in self._pictures(array)]

    def decode(self, streams: Streams, like: Array) -> Array:
        import imagecodecs

        return self._array([imagecodecs.jpegxl_decode(stream, numthreads=1) for stream in streams], like)


class JpegLs(_Picture):
    name = "JPEG-LS"

    def encode(self, array: Array, bound: float) -> Streams:
        import imagecodecs

        return [imagecodecs.jpegls_encode(picture, level=int(bound)) for picture in self._pictures(array)]

    def decode(self, streams: Streams, like: Array) -> Array:
        import imagecodecs

        return self._array([imagecodecs.jpegls_decode(stream) for stream in streams], like)


class JpegLsNear(JpegLs):
    name = "JPEG-LS near"
    lossy = True

    def refuses(self, array: Array, bound: float) -> str:
        limit = min(255, np.iinfo(array.dtype).max // 2) if array.dtype.kind in "iu" else 0
        return super().refuses(array, bound) or ("" if 1 <= bound < limit else "bounds of 1 to 255 only")


class Cdt(Peer):
    """This project, as its user calls it."""

    def __init__(self, profile: str) -> None:
        self.profile = profile
        self.name = f"cdt {profile}"

    def encode(self, array: Array, bound: float) -> Streams:
        import cdt_core

        return [cdt_core.compress(array, bound=f"abs:{bound!r}" if bound else "lossless", profile=self.profile)]

    def decode(self, streams: Streams, like: Array) -> Array:
        import cdt_core

        return cdt_core.decompress(streams[0])


PEERS: tuple[Peer, ...] = (
    Sz3(),
    Sz3LorenzoRegression(),
    Sperr(),
    Zfp(),
    Lerc(),
    JpegLsNear(),
    Pcodec(),
    OpenZl(),
    BloscByteDelta(),
    BloscBitShuffle(),
    Zstd(),
    Fpzip(),
    JpegXl(),
    JpegLs(),
)
