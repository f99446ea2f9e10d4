"""A burst's card when Slack is slow, loses posts or refuses them, and when notify does not come to draw it."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from bot.errors import OutcomeUnknown, ParseError, SlackRefused, TryLater
from bot.model import ExecutionKey, PipelineTags, Status
from bot.ports import DueKind
from bot.workflows.bursts import draw
from bot.workflows.notify import show
from tests.workflows.harness import an_ecs_deploy
from tests.workflows.meddling import MeddledStore
from tests.workflows.slack_night import CHANNEL, SlackNight, deploy


def test_forty_replies_at_slacks_rate_all_come_in_the_end() -> None:
    """About one post a second and channel: the rest is told to wait, and every one has its clock."""
    night = SlackNight()
    night.issue_opens()
    posts = 0
    real = night.slack.post

    def limited(*arguments: object, **options: object) -> tuple[str, str]:
        nonlocal posts
        posts += 1
        if posts % 3 == 0:
            raise TryLater("ratelimited", after=timedelta(seconds=1))
        return real(*arguments, **options)  # type: ignore[arg-type]

    night.slack.post = limited  # type: ignore[method-assign]
    night.fail(*range(40))
    night.minutes(12)
    assert len(night.top()) == 4
    night.check_all_shown()


def test_a_burst_card_whose_post_got_lost_is_found_again() -> None:
    """By its metadata, as any card; the members wait for it."""
    night = SlackNight()
    night.issue_opens()
    night.fail(0, 1, 2)
    night.deliver()
    night.slack.fail("post", OutcomeUnknown("dropped"), after_effect=True)
    night.fail(3, 4)
    night.minutes(3)
    assert len(night.top()) == 4
    night.check_all_shown()


def test_a_burst_card_that_somebody_deleted_is_posted_again() -> None:
    """The news is still owed."""
    night = SlackNight()
    night.issue_opens()
    night.fail(*range(5))
    night.deliver()
    first = night.burst().ts
    del night.slack.messages[CHANNEL, first]
    night.fail(5)
    night.minutes(2)
    assert night.burst().ts != first
    assert night.title() == "ECS in us-east-1: 6 deploys held"


def test_a_lost_reply_whose_thread_is_gone_is_posted_again() -> None:
    """Somebody deleted the burst card before anything was replied to it: there is nothing to look through."""
    night = SlackNight()
    night.issue_opens()
    night.fail(0, 1, 2)
    night.deliver()
    real = night.slack.post

    def replies_get_lost(*arguments: object, **options: object) -> tuple[str, str]:
        if options.get("thread_ts"):
            raise OutcomeUnknown("timed out")
        return real(*arguments, **options)  # type: ignore[arg-type]

    night.slack.post = replies_get_lost  # type: ignore[method-assign]
    night.fail(3)
    night.deliver()
    night.slack.post = real  # type: ignore[method-assign]
    night.slack.fail("find", SlackRefused("thread_not_found"))
    night.minutes(3)
    assert not night.refused
    night.check_all_shown()


def test_a_busy_table_leaves_the_drawing_to_the_clock() -> None:
    """The members' own cards are shown all the same."""
    night = SlackNight()
    night.issue_opens()
    night.fail(*range(4))
    night.deliver()
    meddled = MeddledStore(night.store)

    def busy() -> None:
        raise TryLater("throttled")

    meddled.before("burst_lines", busy)
    night.notify_store = meddled  # type: ignore[assignment]
    night.fail(4)
    night.deliver()
    assert night.title() == "ECS in us-east-1: 4 deploys held"
    assert night.store.cards[deploy(4)].ts
    night.minutes(2)
    assert night.title() == "ECS in us-east-1: 5 deploys held"
    night.check_all_shown()


def test_a_burst_card_slack_will_never_take_is_marked_and_told() -> None:
    """The channel was archived between the third card and the fourth."""
    night = SlackNight()
    night.issue_opens()
    night.fail(0, 1, 2)
    night.deliver()

    def archived(*_arguments: object, **_options: object) -> tuple[str, str]:
        raise SlackRefused("is_archived")

    real = night.slack.post
    night.slack.post = archived  # type: ignore[method-assign]
    night.fail(3)
    night.minutes(3)
    assert night.refused
    assert night.store.cards[deploy(3)].undeliverable == "is_archived"
    assert not night.due(DueKind.BURST)
    assert not night.due(DueKind.CARD)
    night.slack.post = real  # type: ignore[method-assign]
    night.click_retry(deploy(3))
    night.minutes(2)
    night.check_all_shown()


def test_a_member_slack_refused_stays_on_the_list_that_has_it() -> None:
    """By its next version nothing holds it, so it gets a message of its own; the burst card must follow it too."""
    night = SlackNight()
    report = night.issue_opens()
    night.fail(0, 1, 2)
    night.deliver()
    night.slack.fail("post", SlackRefused("restricted_action"))
    night.fail(3)
    night.minutes(12)
    assert night.store.cards[deploy(3)].undeliverable == "restricted_action"
    night.issue_closes(report)
    night.minutes(10)
    assert night.store.cards[deploy(3)].ts
    assert night.store.executions[deploy(3)].status is Status.RETRYING
    assert night.store.members[night.burst().burst_id][str(deploy(3))].status is Status.RETRYING
    night.check_all_shown()


def test_a_burst_left_behind_is_drawn_by_the_sweep() -> None:
    """Notify died before it drew; nothing happens to any member afterwards."""
    night = SlackNight()
    night.issue_opens()
    night.fail(*range(5))
    night.deliver()
    burst = night.burst()
    behind = replace(burst, revision=burst.revision + 1, wanted_version=burst.wanted_version + 1, due_at=night.now)
    night.store.save_burst(behind)
    del night.store.members[burst.burst_id][str(deploy(1))]
    night.minutes(1)
    assert night.title() == "ECS in us-east-1: 4 deploys held"
    assert night.burst().rendered_version == night.burst().wanted_version


def test_a_busy_slack_is_not_asked_again_with_every_member_that_changes() -> None:
    """Each change makes the burst due now; the pause after a refusal counts all the same."""
    night = SlackNight()
    night.issue_opens()
    night.fail(*range(4))
    night.deliver()
    night.now += timedelta(seconds=5)
    night.slack.fail("update", TryLater("ratelimited"))
    before = len(night.slack.drawn)
    for number in range(4, 10):
        night.fail(number)
        night.deliver()
        night.now += timedelta(seconds=2)
    assert len(night.slack.drawn) == before + 1
    night.minutes(2)
    assert night.title() == "ECS in us-east-1: 10 deploys held"
    night.check_all_shown()


def unreadable(night: SlackNight, number: int) -> None:
    night.store.unreadable.add((DueKind.EXECUTION, str(deploy(number))))


def show_what_can_be(night: SlackNight, *keys: ExecutionKey) -> None:
    """As notify's handler does: a record that fails is told to the stream, and the others go on."""
    bursts: set[str] = set()
    for key in keys:
        with suppress(ParseError):
            show(key, night.store, night.slack, night.world.policy, night.now, bursts)
    for burst in bursts:
        draw(burst, night.store, night.slack, night.world.policy, night.now, night.pause)


def test_a_member_that_cannot_be_read_back_does_not_keep_its_burst_from_being_drawn() -> None:
    """It may be the very one by which the sweep brings the burst to notify."""
    night = SlackNight()
    night.issue_opens()
    night.fail(*range(5))
    night.deliver()
    unreadable(night, 0)
    burst = night.burst()
    night.store.save_burst(replace(burst, revision=burst.revision + 1, wanted_version=burst.wanted_version + 1))
    show_what_can_be(night, deploy(0))
    assert night.burst().rendered_version == burst.wanted_version + 1


def test_a_card_that_was_there_and_cannot_be_read_back_does_not_keep_a_burst_from_beginning() -> None:
    night = SlackNight()
    night.issue_opens()
    night.fail(0, 1, 2)
    night.deliver()
    unreadable(night, 1)
    show_what_can_be(night, *night.fail(3, 4))
    assert night.title() == "ECS in us-east-1: 4 deploys held"


def test_a_card_that_cannot_be_read_back_keeps_no_other_from_its_place() -> None:
    """The channel learns from what is there which cards the issue concerns; this one is not among them."""
    night = SlackNight()
    night.fail(0)
    night.deliver()
    night.issue_opens()
    night.store.unreadable.add((DueKind.CARD, str(deploy(0))))
    (key,) = night.fail(1)
    assert night.status(key) is Status.BLOCKED
    show_what_can_be(night, key)
    assert night.store.cards[key].ts


def test_a_member_whose_card_was_deleted_stays_true_in_the_list_even_where_its_pipeline_wants_silence() -> None:
    """People know of it already: the burst lists it."""
    night = SlackNight()
    night.issue_opens()
    (*_, key) = night.fail(0, 1, 2, 3, 4)
    night.pipelines.tags_of[key.pipeline] = PipelineTags(announce_unexplained=False)
    night.deliver()
    night.stage_fails(key, an_ecs_deploy(error_code="ConfigurationError"))
    night.deliver()
    card = night.store.cards[key]
    del night.slack.messages[card.channel, card.ts]
    night.click_dismiss(key)
    night.deliver()
    night.click_undo(key)
    night.minutes(2)
    assert night.status(key) is Status.NEEDS_HUMAN
    assert night.store.members[card.burst][str(key)].status is Status.NEEDS_HUMAN
