"""The toy stack, running."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from playground.cloud import Cloud

TOY = Path(__file__).parent / "toy" / "template.yaml"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud(TOY, {"Greeting": "hello"}) as running:
        yield running
