"""What binds a treatment together: Merkle tree, keys, signed envelopes, canonical documents, the RO-Crate."""
