"""Codecs of integer pictures, lossless and near-lossless."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.peer import Array, Peer, Streams


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
