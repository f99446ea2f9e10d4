"""Bad input at scale: a repeatable share of what `make fuzz` does for longer."""

import pytest

from tests.fuzz.__main__ import ALL, play_round

EXAMPLES = 25  # of each entry point: the same ones each time, so that a red run is the change's doing


@pytest.mark.parametrize("entry_point", ALL)
def test_whatever_comes_in_every_promise_holds(entry_point: str) -> None:
    """No 5xx for Slack, no job without its one answer, nothing that cannot be read back, no secret in a log."""
    played = play_round(entry_point, number=1, examples=EXAMPLES)
    assert played.broken == ""
    assert played.deliveries >= EXAMPLES
