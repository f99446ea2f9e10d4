"""Forty deploys under one issue: few messages in the channel, and every deploy's card in one place."""

from datetime import timedelta

from tests.outside.night import CHANNEL, REGION, Night
from tests.outside.test_people import slash

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


def test_forty_deploys_before_and_after_the_notice_are_three_messages(night: Night) -> None:
    """The third that fails alike makes the card that all share, and the notice takes that over.

    Slack takes fifteen posts a minute and channel here: what must wait comes later, and nothing comes twice.
    """
    night.slack.rates["chat.postMessage"] = (15, timedelta(minutes=1))
    start(night, NAMES[:20])
    assert incident(night) == "CLOUDFORMATION in us-east-1: 20 pipelines fail alike"
    (inferred,) = (card for card in night.cards() if "fail alike" in card.text)
    assert "the first post comes a median of 77 minutes after impact starts" in inferred.text
    assert "CLOUDFORMATION* in us-east-1: 20 pipelines fail alike since" in slash(night, "issues")["text"]
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    start(night, NAMES[20:])
    night.wait(4)
    assert incident(night) == "CLOUDFORMATION in us-east-1: 40 deploys held"
    assert len(night.cards()) == 3
    assert (
        night.card("web-0").ts != inferred.ts == next(c.ts for c in night.cards() if "40 deploys held" in c.text)
    )

    night.broken.clear()
    night.cloud.health.close(issue)
    night.wait(20)
    assert incident(night) == "CLOUDFORMATION in us-east-1: all 40 deploys recovered"
    for name in NAMES:
        assert (night.asked(name), night.accepted(name)) == (1, 1)
        assert night.card(name).blocks[0]["text"]["text"] == f"{name} → Deploy: recovered"
    assert len(night.cards()) == 3
    (parent,) = {reply.thread_ts for reply in night.replies()}
    assert parent == next(card.ts for card in night.cards() if "all 40 deploys" in card.text)
    assert not [message for message in night.slack.messages(CHANNEL) if message.broadcast]
    assert night.cloud.failures() == []
