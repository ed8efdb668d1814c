"""The compressors that cdt is measured beside: the one list of them."""

from __future__ import annotations

from benchmarks.peers.lossless import BloscBitShuffle, BloscByteDelta, Fpzip, OpenZl, Pcodec, Zstd
from benchmarks.peers.lossy import Lerc, Sperr, Sz3, Sz3LorenzoRegression, Zfp
from benchmarks.peers.peer import Peer
from benchmarks.peers.pictures import JpegLs, JpegLsNear, JpegXl

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
