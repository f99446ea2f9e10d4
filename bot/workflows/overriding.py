"""Let one stage of one execution pass what stops it: one decision for the modal, the command and a mention."""

import logging
from datetime import datetime

from bot.errors import SlackRefused, TryLater
from bot.lifecycle import Event, Overridden
from bot.model import Execution, ExecutionKey, Override, PipelineTags
from bot.overrides import (
    OVERRIDE_LASTS,
    REASON_LIMIT,
    can_be_overridden,
    may_override,
    who_may_override,
)
from bot.policy import Policy
from bot.ports import Store
from bot.slack.mrkdwn import clean, cut
from bot.slack.port import Chat
from bot.workflows.people import Came, Result, carry_out, stands

logger = logging.getLogger(__name__)

NO_REASON = "An override needs a reason: it is kept in the history and shown on the card. Nothing was done."


def override(
    store: Store,
    chat: Chat,
    policy: Policy,
    key: ExecutionKey,
    by: str,
    reason: str,
    now: datetime,
    *,
    marker: str,
    shown_version: int | None = None,
) -> Result:
    """Write the override, and the retry that it is for, in one transaction; or say why not, and who may.

    Everything is checked here, whatever a modal checked before it opened: the reason, the person against the
    stack's list and this execution's tags, and whether anything here can be overridden. The caller has seen that
    the person is a full member of this workspace. `marker` is the click's own, as for every decision of a person;
    `shown_version` the state the person was shown, None where that is unknown. Raises TryLater.
    """
    reason = cut(clean(reason), REASON_LIMIT)
    if not reason:
        return Result(Came.REFUSED, NO_REASON)

    def choose(execution: Execution) -> Event | Result:
        refusal = refusal_to_override(chat, policy, execution, by)
        if refusal:
            return Result(Came.REFUSED, refusal, execution)
        if shown_version is not None and shown_version < execution.entered_version:
            text = (
                f"The deploy has moved on since that was shown to you. Nothing more was done. {stands(execution)}"
            )
            return Result(Came.IMPOSSIBLE, text, execution)
        return Overridden(by, reason)

    given = Override(key, by, reason, created_at=now, expires_at=now + OVERRIDE_LASTS)
    result = carry_out(store, policy, key, choose, now, marker=marker, override=given)
    if result.came is Came.DONE:
        logger.info("%s was overridden by %s", key, by)
    return result


def refusal_to_override(chat: Chat, policy: Policy, execution: Execution, by: str) -> str:
    """Why this person may not override this, in safe mrkdwn that says who may; "" if they may."""
    refusal = refusal_by_the_list(chat, policy, execution.tags, by)
    if not refusal and not can_be_overridden(execution):
        return (
            "Only a health gate or a stage condition can be overridden, and neither stopped this deploy. "
            f"Nothing was done. {stands(execution)}"
        )
    return refusal


def refusal_by_the_list(chat: Chat, policy: Policy, tags: PipelineTags, by: str) -> str:
    """Why this person is not among those who may, "" if they are.

    A user group that cannot be read has no members: only a person named in OverrideUsers may then.
    """
    members, unreadable = frozenset[str](), ""
    if policy.override_user_group and by not in policy.override_users:
        try:
            members = chat.group_members(policy.override_user_group)
        except (TryLater, SlackRefused) as problem:
            logger.warning("the members of OverrideUserGroup cannot be read: %s", problem)
            unreadable = " Allclear could not read who is in the group just now, so it took nobody for a member."
    if may_override(by, policy, tags, members):
        return ""
    return f"{who_may_override(policy, tags)}{unreadable} Nothing was done."
