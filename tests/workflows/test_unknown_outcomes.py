"""A call whose answer was lost: looked into before another is made, and never made for ever."""

from datetime import timedelta

import pytest

from bot.errors import OutcomeUnknown
from bot.model import ExecutionKey, Status
from tests.workflows.harness import released_night


@pytest.mark.parametrize("took_effect", [True, False])
def test_an_unknown_outcome_is_looked_into_at_the_leases_end(took_effect: bool) -> None:
    """Either way exactly one retry is accepted, and one is paid for."""
    night = released_night()
    retry_stage = night.pipelines.retry_stage

    def lose_the_answer(key: ExecutionKey) -> None:
        night.pipelines.retry_stage = retry_stage  # type: ignore[method-assign]
        if took_effect:
            retry_stage(key)
        raise OutcomeUnknown("Read timeout on endpoint URL")

    night.pipelines.retry_stage = lose_the_answer  # type: ignore[method-assign]
    night.deliver()
    assert (night.status(), night.accepted()) == (Status.RESUMING, int(took_effect))
    night.minutes(3)
    execution = night.execution()
    assert (execution.status, night.accepted()) == (Status.RETRYING, 1)
    assert (execution.automatic_retries, execution.retries) == (1, 1)


def test_an_unknown_outcome_whose_retry_failed_again_is_not_made_again() -> None:
    """Other attempts failed than the claim's: the retry was made."""
    night = released_night()
    night.pipelines.raise_next("retry_stage", OutcomeUnknown("Read timeout"))
    night.deliver()
    night.minutes(1)
    night.stage_fails(told=False)
    night.minutes(5)
    execution = night.execution()
    assert (execution.status, night.asked()) == (Status.NEEDS_HUMAN, 1)
    assert (execution.automatic_retries, execution.retries) == (1, 1)


def test_an_unknown_outcome_for_a_whole_day_ends_with_a_person() -> None:
    """No endless calls into the dark."""
    night = released_night(issue_max_age=timedelta(hours=100))
    night.pipelines.raise_next("retry_stage", *(OutcomeUnknown("502") for _ in range(2_000)))
    night.minutes(25 * 60)
    assert (night.status(), night.execution().automatic_retries) == (Status.NEEDS_HUMAN, 0)
    asked = night.asked()
    night.minutes(300)
    assert night.asked() == asked
