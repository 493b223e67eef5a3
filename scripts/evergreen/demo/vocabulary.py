"""Words, products, prices and the shape of the twelve files of the input contract."""

ARCHETYPES = ("champion", "regular", "bargain", "occasional")
COUNTRIES = ("US", "DE", "GB", "FR", "CA", "AU")
COUNTRY_SHARES = (0.5, 0.13, 0.14, 0.08, 0.09, 0.06)
CURRENCIES = ("USD", "EUR", "GBP")
CURRENCY_OF_COUNTRY = (0, 1, 2, 1, 0, 0)
OFFSET_OF_COUNTRY = (-5, 2, 1, 2, -4, 10)
"""Hours from UTC in which a shop of that country writes its times, when it does not write Z."""

SOURCES = ("organic", "ads", "referral", "partner", "event")
REFERRAL = 2
CAMPAIGNS = (
    "search-brand",
    "flash-sale",
    "social-spring",
    "partner-launch",
    "partner-bundle",
    "trade-fair",
    "webinar-series",
    "friend-code",
)
FLASH_SALE = 1
CAMPAIGNS_OF_SOURCE = ((), (0, 1, 2), (7,), (3, 4), (5, 6))
CAMPAIGN_COSTS = (310, 140, 260, 450, 380, 900, 520, 200)
"""Cents paid for one person brought by the campaign."""

CHANNELS = ("email", "phone", "web", "sms", "in_person", "post")
CHANNEL_SHARES = (0.55, 0.15, 0.2, 0.1)
ORDER_CHANNELS = ("web", "app", "store", "reseller", "phone")
RESELLERS = tuple(f"R-{n:02d}" for n in range(1, 7))
METHODS = ("password", "sso", "google")
STATUSES = ("placed", "paid", "fulfilled", "cancelled", "refunded")
PLACED, PAID, FULFILLED, CANCELLED, REFUNDED = range(5)
ORDER_KINDS = ("standard", "trial", "sample")
OUTCOMES = ("success", "failure")
FEATURES = ("dashboard", "search", "reports", "export", "sharing", "automation")
FEATURE_SHARES = (0.34, 0.26, 0.0, 0.16, 0.14, 0.1)
REPORTS = 2

PRODUCTS = (
    ("P-CAMERA", "Field camera", "cameras", 24000, 0.15),
    ("P-CASE", "Camera case", "accessories", 2900, 0.02),
    ("P-LENS", "Prime lens", "cameras", 18500, 0.09),
    ("P-TRIPOD", "Tripod", "accessories", 6200, 0.09),
    ("P-BAG", "Shoulder bag", "accessories", 7400, 0.09),
    ("P-CARD", "Memory card", "accessories", 3100, 0.14),
    ("P-FLASH", "Flash", "lighting", 11200, 0.07),
    ("P-LAMP", "Soft lamp", "lighting", 5400, 0.06),
    ("P-PRINT", "Print pack", "prints", 1500, 0.13),
    ("P-ALBUM", "Album", "prints", 3600, 0.07),
    ("P-COURSE", "Online course", "learning", 8900, 0.05),
    ("P-CARE", "Care plan", "services", 4200, 0.04),
)
"""Id, name, category, list price in cents, share of first picks."""
CAMERA, CASE, FLASH = 0, 1, 6

PURPOSES = [
    "welcome",
    "education",
    "newsletter",
    "community",
    "follow_up",
    "value_review",
    "promotion",
    "cross_sell",
    "renewal",
    "win_back",
    "thank_you",
    "gift",
    "ad",
    "content",
    "seminar",
    "meeting",
]
DIRECTIONS = ("outbound", "inbound")
SURVEYS = [
    "nps",
    "csat",
    "ces",
    "loyalty",
    "attribute",
    "exit",
    "value_review",
    "share_of_wallet",
    "follow_up",
]
LOYALTY_QUESTIONS = ("satisfied", "repurchase", "recommend", "trust", "timely", "care")
ATTRIBUTES = ("price", "quality", "delivery", "support", "range")
QUESTIONS = (
    LOYALTY_QUESTIONS
    + tuple(f"importance:{name}" for name in ATTRIBUTES)
    + tuple(f"performance:{name}" for name in ATTRIBUTES)
    + ("main_reason", "value_received", "share_of_spend", "first_order_went_well")
)
ANSWERS = (
    "too expensive",
    "better offer elsewhere",
    "no longer needed",
    "poor support",
    "missing feature",
    "could not log in",
    "all good",
    'fine, but "slow" delivery',
)
COMPETITORS = ("Northlight", "Snapshop", "Lumina")
TICKET_KINDS = ("question", "complaint", "bug", "billing")
REFERRAL_KINDS = ("referral", "invite")
ACTS = ("review", "reference", "case_study", "press", "testimonial", "community_post")
PLANS = ("starter", "pro", "business")
PLAN_CENTS = (1900, 4900, 14900)
CANCEL_REASONS = (
    "price",
    "competitor",
    "no_longer_needed",
    "poor_support",
    "missing_feature",
    "upgraded",
    "trial_not_converted",
    "could_not_log_in",
)
UPGRADED, NOT_CONVERTED, LOCKED_OUT = 5, 6, 7
FIRST_NAMES = [
    "ana",
    "ben",
    "chloe",
    "david",
    "emma",
    "farid",
    "grace",
    "hugo",
    "ines",
    "jonas",
    "kira",
    "liam",
    "maya",
    "noah",
    "olga",
    "paul",
    "rosa",
    "sam",
    "tara",
    "uwe",
    "vera",
    "will",
    "yara",
    "zoe",
]

_PRODUCT_IDS = tuple(product[0] for product in PRODUCTS)

# Column, how it is written, and for words the vocabulary. A time marked "local" is written with
# the row's own offset where the row has one.
TABLES: dict[str, list[tuple]] = {
    "orders": [
        ("order_id", "id", "O%08d"),
        ("customer_id", "id", "C%07d"),
        ("ordered_at", "local"),
        ("amount", "cents"),
        ("status", "word", STATUSES),
        ("kind", "word", ORDER_KINDS),
        ("refund_amount", "cents"),
        ("refunded_at", "time"),
        ("cost", "cents"),
        ("currency", "word", CURRENCIES),
        ("channel", "word", ORDER_CHANNELS),
        ("reseller_id", "word", RESELLERS),
        ("promised_at", "time"),
        ("delivered_at", "local"),
        ("invoiced_at", "time"),
    ],
    "order_items": [
        ("order_id", "id", "O%08d"),
        ("line_number", "int"),
        ("product_id", "word", _PRODUCT_IDS),
        ("quantity", "int"),
        ("unit_price", "cents"),
        ("returned_quantity", "int"),
    ],
    "products": [
        ("product_id", "word", _PRODUCT_IDS),
        ("name", "word", tuple(product[1] for product in PRODUCTS)),
        ("category", "word", tuple(product[2] for product in PRODUCTS)),
    ],
    "logins": [
        ("login_id", "id", "L%09d"),
        ("customer_id", "id", "C%07d"),
        ("logged_in_at", "local"),
        ("outcome", "word", OUTCOMES),
        ("method", "word", METHODS),
    ],
    "surveys": [
        ("response_id", "id", "S%08d"),
        ("customer_id", "id", "C%07d"),
        ("survey", "word", SURVEYS),
        ("question", "word", QUESTIONS),
        ("score", "int"),
        ("scale_min", "int"),
        ("scale_max", "int"),
        ("answer", "word", ANSWERS),
        ("competitor", "word", COMPETITORS),
        ("sent_at", "time"),
        ("responded_at", "time"),
    ],
    "customers": [
        ("customer_id", "id", "C%07d"),
        ("created_at", "local"),
        ("email", "email"),
        ("archetype", "word", ARCHETYPES),
        ("country", "word", COUNTRIES),
        ("entry_source", "word", SOURCES),
        ("entry_campaign", "word", CAMPAIGNS),
        ("preferred_channel", "word", CHANNELS),
        ("reseller_id", "word", RESELLERS),
        ("has_consent", "bool"),
        ("merged_into", "id", "C%07d"),
        ("is_test", "bool"),
    ],
    "touches": [
        ("touch_id", "id", "T%09d"),
        ("customer_id", "id", "C%07d"),
        ("touched_at", "time"),
        ("direction", "word", DIRECTIONS),
        ("channel", "word", CHANNELS),
        ("purpose", "word", PURPOSES),
        ("campaign", "word", CAMPAIGNS),
        ("is_control", "bool"),
        ("responded_at", "time"),
        ("dwell_seconds", "int"),
        ("cost", "cents"),
    ],
    "events": [
        ("event_id", "id", "E%09d"),
        ("customer_id", "id", "C%07d"),
        ("occurred_at", "time"),
        ("feature", "word", FEATURES),
        ("quantity", "int"),
    ],
    "tickets": [
        ("ticket_id", "id", "K%07d"),
        ("customer_id", "id", "C%07d"),
        ("opened_at", "local"),
        ("kind", "word", TICKET_KINDS),
        ("wait_seconds", "int"),
        ("first_replied_at", "time"),
        ("resolved_at", "time"),
        ("satisfaction", "int"),
    ],
    "referrals": [
        ("referral_id", "id", "F%07d"),
        ("referrer_id", "id", "C%07d"),
        ("referred_at", "time"),
        ("referred_customer_id", "id", "C%07d"),
        ("kind", "word", REFERRAL_KINDS),
    ],
    "advocacy_acts": [
        ("act_id", "id", "A%07d"),
        ("customer_id", "id", "C%07d"),
        ("acted_at", "time"),
        ("act", "word", ACTS),
    ],
    "subscriptions": [
        ("subscription_id", "id", "U%07d"),
        ("customer_id", "id", "C%07d"),
        ("started_at", "time"),
        ("monthly_amount", "cents"),
        ("plan", "word", PLANS),
        ("currency", "word", CURRENCIES),
        ("trial_ends_at", "time"),
        ("ended_at", "time"),
        ("cancel_reason", "word", CANCEL_REASONS),
    ],
}
