"""How places and issues are called, wherever they are told of."""

from bot.cards.card import render
from bot.cards.text import retry_warning
from bot.policy import Policy
from bot.slack.answers import standing
from bot.slack.modals import override_modal
from tests.builders import a_blocker, an_execution


def test_an_issue_of_no_region_is_everywhere_and_never_in_global() -> None:
    """On a card, in its confirm dialog, in a modal, and in chat alike."""
    held = an_execution(blockers=(a_blocker(service="IAM", region="global"), a_blocker(service="ECS")))
    texts = [str(render(held, Policy()).blocks), retry_warning(held), str(override_modal(held)), standing(held)]
    for text in texts:
        assert "in global" not in text
        assert "everywhere" in text
        assert "in us-east-1" in text
