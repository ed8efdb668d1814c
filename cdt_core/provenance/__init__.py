"""Where a treatment came from and how to prove it: Merkle tree, keys, envelopes, RO-Crate."""

from __future__ import annotations
