"""Content-Security-Policy: a page that asks nobody else for anything."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256


def policy_of(style: str, script: str | None = None) -> str:
    """Return the policy of a page: its own style and script, and no others.

    Only with a script it may ask where it came from for more.
    """
    own = [] if script is None else ["connect-src 'self'"]
    scripts = [] if script is None else [f"script-src '{_hash(script)}'"]
    return "; ".join(
        [
            "default-src 'none'",
            *own,
            f"style-src '{_hash(style)}'",
            *scripts,
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
