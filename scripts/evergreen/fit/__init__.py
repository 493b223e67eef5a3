"""Fitting: a handful of parameters, estimated from grouped sufficient statistics.

`orders` (BG/NBD, MBG/NBD) and `spend` (Gamma-Gamma) hold the models, `optimise` finds maxima,
`nodes` the quadrature that SQL scores with, `read` and `write` the work file, `run` one whole fit.
Python fits, SQL scores: nothing here is needed to build the marts.
"""

from evergreen.fit.run import FitReport, fit, is_due

__all__ = ["FitReport", "fit", "is_due"]
