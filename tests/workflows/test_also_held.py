"""What else the same issues hold: on a card of its own in its field, of a burst's members on the burst's card."""

import json

from bot.model import ExecutionKey
from tests.workflows.slack_night import SlackNight, deploy


def said(night: SlackNight, key: ExecutionKey) -> str:
    card = night.store.cards[key]
    return json.dumps(night.slack.messages[card.channel, card.ts].blocks, ensure_ascii=False)


def test_a_card_of_its_own_names_the_other_deploys_that_the_issue_holds() -> None:
    """As it was when the card was last drawn: nobody edits it because another deploy came along."""
    night = SlackNight()
    night.issue_opens()
    for number in range(2):
        night.fail(number)
        night.minutes(1)
    assert "Also held" not in said(night, deploy(0))
    assert "Also held, when this card was last edited*\\nweb-00 → Deploy" in said(night, deploy(1))


def test_the_cards_of_a_burst_leave_that_to_the_list_they_share() -> None:
    """Forty of them would each read a page of deploys to say what the card above says."""
    night = SlackNight()
    night.issue_opens()
    night.fail(*range(5))
    night.minutes(2)
    members = [key for key, card in night.store.cards.items() if card.joined]
    assert members
    assert not [key for key in members if "Also held" in said(night, key)]
    assert all(f"*{key.pipeline}*" in json.dumps(night.burst_card().blocks) for key in members)
