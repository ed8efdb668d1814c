"""Differential privacy, secure and homomorphic sums, and anonymised release, accounted end to end.

Empty on purpose: discovery imports :mod:`cdt_privacy.plugin` through this package, and must not import NumPy.
"""
