"""Is it Slack? `plausible` costs nothing and needs no secret; `verify` needs the secret. Pure.

Slack's rules: docs.slack.dev, "Verifying requests from Slack". The raw body is verified before anybody parses it.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

WINDOW = timedelta(seconds=300)  # Slack's own; both ways, for clocks that disagree

_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")


def plausible(headers: Mapping[str, str], now: datetime) -> bool:
    """Whether the headers are shaped and timed as Slack's. Needs no secret, so a junk flood costs none."""
    timestamp, signature = _signature_headers(headers)
    if not (_TIMESTAMP.fullmatch(timestamp) and _SIGNATURE.fullmatch(signature)):
        return False
    return abs(now.timestamp() - int(timestamp)) <= WINDOW.total_seconds()


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> bool:
    """Whether one of the signing secrets (two during a rotation) signed this body within the window.

    Not slack_sdk's SignatureVerifier: it raises on a junk timestamp and on a non-ASCII signature, and knows one
    secret only; what is left of it is these lines.
    """
    if not plausible(headers, now):
        return False
    timestamp, signature = _signature_headers(headers)
    base = b"v0:" + timestamp.encode() + b":" + body
    return any(
        hmac.compare_digest("v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest(), signature)
        for secret in secrets
        if secret
    )


def _signature_headers(headers: Mapping[str, str]) -> tuple[str, str]:
    return header(headers, "x-slack-request-timestamp"), header(headers, "x-slack-signature")


def header(headers: Mapping[str, str], name: str) -> str:
    """A header by its lower-case name; "" where there is none."""
    return next((str(value) for key, value in headers.items() if key.lower() == name), "")
