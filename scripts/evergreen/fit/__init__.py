"""Fitting: a handful of parameters, estimated from grouped sufficient statistics.

`orders` (BG/NBD, MBG/NBD), `spend` (Gamma-Gamma) and `churn` (logistic regression) hold the models,
`optimise` finds maxima, `nodes` the quadrature that SQL scores with, `value` judges orders and
spend, `read`, `snapshots` and `write` know the work file, `report` tells, `run` is one whole fit.
Python fits, SQL scores: nothing here is needed to build the marts.
"""

from evergreen.fit.report import FitReport
from evergreen.fit.run import fit, is_due

__all__ = ["FitReport", "fit", "is_due"]
