"""Settings of Apache Superset for one machine: everything it keeps lies in one folder."""

import os
from pathlib import Path

import duckdb
from duckdb_engine import ConnectionWrapper

HOME = Path(os.environ["EVERGREEN_SUPERSET_HOME"])

SECRET_KEY = os.environ["SUPERSET_SECRET_KEY"]
SQLALCHEMY_DATABASE_URI = f"sqlite:///{HOME / 'superset.db'}"
WTF_CSRF_ENABLED = True
SESSION_COOKIE_SAMESITE = "Lax"
RATELIMIT_STORAGE_URI = "memory://"  # one process: nothing to share

# No results are kept: a figure is never older than the published file. Queries take milliseconds.
CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}

# No example data, no e-mail, no workers, and nothing that is asked of another machine.
SQLALCHEMY_EXAMPLES_URI = f"sqlite:///{HOME / 'examples.db'}"
ALERT_REPORTS_NOTIFICATION_DRY_RUN = True
FEATURE_FLAGS = {"ALERT_REPORTS": False}
LOG_LEVEL = "ERROR"  # a mistake in a query is shown to who made it
SILENCE_FAB = True

# The page of Superset reports its use to the maker by a picture from another host: only pictures
# and data of this server are let through.
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}

# Okabe and Ito's colours, which colour-blind readers tell apart, with Evergreen's green first.
EXTRA_CATEGORICAL_COLOR_SCHEMES = [
    {
        "id": "evergreen",
        "label": "Evergreen",
        "description": "Colours that colour-blind readers tell apart",
        "isDefault": True,
        "colors": [
            "#1f6f4a",
            "#56b4e9",
            "#e69f00",
            "#0072b2",
            "#cc79a7",
            "#d55e00",
            "#999999",
        ],
    }
]


def DB_CONNECTION_MUTATOR(uri, params, username, security_manager, source):  # noqa: N802
    """Let each query open the published file anew.

    Within a process DuckDB shares one open file between connections, so that one long query would
    show everybody the old version until it ends. A DuckDB of its own for each query opens the file
    that has the name now; then it is locked as the connection of the database is.
    """
    if uri.drivername != "duckdb" or not Path(uri.database).is_file():
        return uri, params

    def connect() -> ConnectionWrapper:
        con = duckdb.connect(":memory:")
        file = uri.database.replace("'", "''")
        con.execute(f"attach '{file}' as evergreen (read_only)")
        con.execute("use evergreen")
        con.execute("set enable_external_access = false")
        con.execute("set lock_configuration = true")
        return ConnectionWrapper(con)

    return uri, params | {"creator": connect}
