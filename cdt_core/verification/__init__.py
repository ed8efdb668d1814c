"""Checks of a finished treatment: files, chunks, and values against the original."""
