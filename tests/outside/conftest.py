"""One local cloud a test. Whatever the playground or a function could not do fails the test at its end."""

from collections.abc import Callable, Iterator

import pytest

from playground.slack import Slack
from tests.outside.night import Night


@pytest.fixture
def make_night() -> Iterator[Callable[..., Night]]:
    """Starts a night with template parameters of the test's choice."""
    nights: list[Night] = []
    with Slack() as slack:

        def make(**parameters: str) -> Night:
            night = Night(slack, **parameters)
            night.cloud.__enter__()
            nights.append(night)
            return night

        yield make
        for night in nights:
            night.cloud.__exit__(None, None, None)
            assert slack.errors == []


@pytest.fixture
def night(make_night: Callable[..., Night]) -> Night:
    """A night with the template's defaults."""
    return make_night()
