"""The pages of the site, in the order of the navigation. A page is a module with a PAGE."""

from evergreen.dashboard.pages import (
    advocacy,
    churn,
    contact,
    cross_sell,
    lifecycle,
    onboarding,
    overview,
    retention,
    trust,
    value,
    voice,
)

PAGES = (
    overview.PAGE,
    lifecycle.PAGE,
    onboarding.PAGE,
    retention.PAGE,
    churn.PAGE,
    value.PAGE,
    voice.PAGE,
    advocacy.PAGE,
    cross_sell.PAGE,
    contact.PAGE,
    trust.PAGE,
)
