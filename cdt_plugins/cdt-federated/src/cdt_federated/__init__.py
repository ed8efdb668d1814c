"""Federated rounds, strategies and statistics: institutions compute together, and their data stays where it is.

Empty on purpose: discovery imports :mod:`cdt_federated.plugin` through this package, and must not import NumPy.
"""
