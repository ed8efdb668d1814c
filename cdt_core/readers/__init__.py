"""Readers: from any supported file to the dataset as stored, lazily."""
