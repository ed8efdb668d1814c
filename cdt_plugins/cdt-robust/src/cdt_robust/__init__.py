"""Rules that combine the updates of several sites into one, and hold when some of the updates are wrong.

Empty on purpose: discovery imports :mod:`cdt_robust.plugin` through this package, and must not import NumPy. The rules are
:func:`cdt_robust.mean.weighted_mean`, :func:`cdt_robust.median.median`, :func:`cdt_robust.trimmed.trimmed_mean`.
"""
