"""What schemathesis cannot know by itself: how bodies of our media types are sent."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(context: Any, value: Any) -> bytes:
    """A body of lines is generated as one text."""
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")
