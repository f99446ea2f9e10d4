"""How answers tell what was and what is: after a night of retries by people and by Allclear."""

from datetime import timedelta

from bot.model import ALLCLEAR, HEALTH_UNREADABLE, Entry, Status
from bot.overrides import REASON_LIMIT
from tests.builders import KEY, NOW, a_blocker, an_execution
from tests.fakes.chat import ALICE
from tests.slack_desk import BOB, a_desk, say, store_of

MINUTE = timedelta(minutes=1)


def told(words: str, *trail: Entry, **changes: object) -> str:
    """The answer about one deploy, ten minutes after it failed; `trail` is its history."""
    desk = a_desk()
    entries = trail or (line(1, 0, Status.BLOCKED, "Deploy failed"),)
    execution = an_execution(version=entries[-1].version, trail=entries, **changes)
    store_of(desk).executions[KEY] = execution
    store_of(desk).lines[KEY] = list(entries)
    return say(desk, f"{words} web").text


def line(version: int, minute: int, status: Status, what: str, by: str = ALLCLEAR) -> Entry:
    return Entry(version, NOW + minute * MINUTE, status, what, by)


BY_BOB = (
    line(2, 2, Status.RESUMING, "asked for a retry with an issue open (ECS in us-east-1)", BOB),
    line(3, 3, Status.RETRYING, "CodePipeline accepted the retry"),
)
BY_ALLCLEAR = (
    line(4, 5, Status.BLOCKED, "Deploy failed again; held by the ECS issue in us-east-1 until the all-clear"),
    line(5, 7, Status.RESUMING, "the all-clear: resuming"),
    line(6, 7, Status.RETRYING, "CodePipeline accepted the retry"),
)


def test_who_retried_is_who_retried_last() -> None:
    ended = {"status": Status.RECOVERED, "retries": 2}
    passed = line(7, 9, Status.RECOVERED, "Deploy passed")
    assert f"retried by <@{BOB}>" in told("history", *BY_BOB, passed, **ended)
    first = told("history", *BY_BOB, *BY_ALLCLEAR, passed, **ended).splitlines()[0]
    assert first.endswith("retried by Allclear")


def test_a_hold_ends_when_a_persons_retry_runs() -> None:
    assert "; held for 3 min; " in told("history", *BY_BOB, status=Status.RETRYING, held_at=NOW, retries=1)
    passed = line(4, 9, Status.RECOVERED, "Deploy passed")
    assert "; held for 3 min; " in told(
        "history", *BY_BOB, passed, status=Status.RECOVERED, held_at=NOW, retries=1
    )


def test_a_hold_that_goes_on_says_how_long_so_far() -> None:
    assert told("history", held_at=NOW).splitlines()[0].endswith("; held for 10 min so far")


def test_nothing_is_retried_by_an_issue() -> None:
    """What held it stays on record while it runs again."""
    text = told("status", status=Status.RETRYING, blockers=(a_blocker(),))
    assert ": retrying since <!date^" in text
    assert ", in spite of ECS in us-east-1. Next" in text


def test_what_has_ended_ended_at_a_time() -> None:
    assert ": recovered at <!date^" in told("status", status=Status.RECOVERED)


def test_what_holds_it_is_named_in_words() -> None:
    blockers = (a_blocker(issue=HEALTH_UNREADABLE), a_blocker(service="IAM", region="global"))
    assert ": held by AWS Health being unreadable, IAM everywhere since" in told("status", blockers=blockers)


def test_why_does_not_call_an_issue_open_that_holds_nothing_any_more() -> None:
    assert "Why it was held: ECS has an open issue" in told("why", status=Status.RECOVERED)
    assert "Why it was held" not in told("why")


def test_a_reason_is_in_the_history_to_its_last_word() -> None:
    reason = f"{'because ' * 60}I say so"[:REASON_LIMIT]
    overrode = line(2, 2, Status.RESUMING, f"overrode the health gate: {reason}", ALICE)
    assert told("history", overrode, status=Status.RESUMING).endswith("I say so")
