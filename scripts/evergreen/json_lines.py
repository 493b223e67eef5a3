"""What a refresh does, as one JSON object per line, for schedulers and log collectors."""

import json
import sys
from datetime import UTC, datetime

LEFT_OUT = {"progress"}
"""dbt alone tells of some 900 models and tests: steps are enough for a log."""


class JsonLines:
    """Writes events to stdout: time (UTC), refresh_id, step, event, message, and more by event.

    The last line is that of `end`, with status and exit_code.
    """

    def __init__(self) -> None:
        self._refresh_id: str | None = None

    def __call__(self, event: dict) -> None:
        self._refresh_id = event["refresh_id"] or self._refresh_id
        if event["event"] not in LEFT_OUT:
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            sys.stdout.write(json.dumps({"time": now} | event, default=str) + "\n")
            sys.stdout.flush()

    def end(self, status: str, exit_code: int, message: str, **more: object) -> None:
        """The last line."""
        self(
            {
                "refresh_id": self._refresh_id,
                "event": "ended",
                "step": None,
                "message": message,
                "status": status,
                "exit_code": exit_code,
                **more,
            }
        )
