"""API Gateway's HTTP API, payload format 2.0.

Source: "Create AWS Lambda proxy integrations for HTTP APIs in API Gateway".
"""

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from playground.stack import Route

Response = tuple[int, dict[str, str], str]

# Bodies of other types reach the function in base64, form data among them.
_TEXT_TYPES = ("text/", "application/json", "application/javascript", "application/xml")

NOT_FOUND: Response = (404, {"content-type": "application/json"}, '{"message":"Not Found"}')
FAILED: Response = (500, {"content-type": "application/json"}, '{"message":"Internal Server Error"}')


def request_event(
    route: Route,
    target: str,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    account: str,
) -> dict[str, Any]:
    """The event a function gets. `target` is the path with its query string, if there is one."""
    parts = urlsplit(target)
    lowered = {name.lower(): value for name, value in headers.items()}
    text = lowered.get("content-type", "text/plain").startswith(_TEXT_TYPES)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": f"{route.method} {route.path}",
        "rawPath": parts.path,
        "rawQueryString": parts.query,
        "headers": {"host": "playground.execute-api.us-east-1.amazonaws.com", **lowered},
        "requestContext": {
            "accountId": account,
            "apiId": "playground",
            "domainName": "playground.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "playground",
            "http": {
                "method": route.method,
                "path": parts.path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": lowered.get("user-agent", ""),
            },
            "requestId": str(uuid4()),
            "routeKey": f"{route.method} {route.path}",
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(now.timestamp() * 1000),
        },
        "isBase64Encoded": bool(body) and not text,
    }
    if body:
        event["body"] = body.decode() if text else base64.b64encode(body).decode()
    return event


def response(value: Any) -> Response:
    """What the caller gets for what the function returned: a response, or anything else as its JSON."""
    if not isinstance(value, dict) or "statusCode" not in value:
        return 200, {"content-type": "application/json"}, json.dumps(value)
    headers = {name.lower(): str(text) for name, text in (value.get("headers") or {}).items()}
    body = value.get("body") or ""
    if value.get("isBase64Encoded"):
        body = base64.b64decode(body).decode()
    return int(value["statusCode"]), headers, body
