"""Lossless peers of any numbers: what a user of each package would write."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from benchmarks.peers.peer import Array, Peer, Streams


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
