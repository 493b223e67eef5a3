"""A static site of the published marts: `evergreen dashboard`."""

from evergreen.dashboard.site import DashboardReport, build_dashboard

__all__ = ["DashboardReport", "build_dashboard"]
