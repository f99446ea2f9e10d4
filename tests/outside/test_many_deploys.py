"""Forty deploys under one issue: four messages in the channel, and every deploy's card in one place."""

from datetime import timedelta

from tests.outside.night import CHANNEL, REGION, Night

NAMES = [f"web-{number}" for number in range(40)]


def incident(night: Night) -> str:
    """The header of the card that the deploys share."""
    (card,) = (card for card in night.cards() if " → " not in card.blocks[0]["text"]["text"])
    return str(card.blocks[0]["text"]["text"])


def start(night: Night, names: list[str]) -> None:
    for name in names:
        night.pipeline(name)
        night.broken.add(name)
        night.cloud.codepipeline.start(name)
    night.wait(4)


def test_forty_deploys_before_and_after_the_notice_are_four_messages(night: Night) -> None:
    """Slack takes fifteen posts a minute and channel here: what must wait comes later, and nothing comes twice."""
    night.slack.rates["chat.postMessage"] = (15, timedelta(minutes=1))
    start(night, NAMES[:20])
    assert incident(night) == "20 deploys failed within minutes"
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    start(night, NAMES[20:])
    night.wait(4)
    assert incident(night) == "CLOUDFORMATION in us-east-1: 40 deploys held"
    assert len(night.cards()) == 4

    night.broken.clear()
    night.cloud.health.close(issue)
    night.wait(20)
    assert incident(night) == "CLOUDFORMATION in us-east-1: all 40 deploys recovered"
    for name in NAMES:
        assert (night.asked(name), night.accepted(name)) == (1, 1)
        assert night.card_anywhere(name).blocks[0]["text"]["text"] == f"{name} → Deploy: recovered"
    assert len(night.cards()) == 4
    (parent,) = {reply.thread_ts for reply in night.replies()}
    assert parent == next(card.ts for card in night.cards() if "all 40 deploys" in card.text)
    assert not [message for message in night.slack.messages(CHANNEL) if message.broadcast]
    assert night.cloud.failures() == []
