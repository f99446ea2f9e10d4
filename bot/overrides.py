"""Who may override, what can be overridden, and for how long. Pure: who is in the user group is an argument."""

from datetime import datetime, timedelta

from bot.model import Execution, Override, PipelineTags
from bot.policy import Policy
from bot.slack.mrkdwn import mention

OVERRIDE_LASTS = timedelta(minutes=60)
REASON_LIMIT = 500  # characters of a reason kept

_CONDITIONS = {"BEFORE_ENTRY": "the stage's entry condition", "ON_SUCCESS": "the stage's success condition"}


def may_override(user_id: str, policy: Policy, tags: PipelineTags, members: frozenset[str]) -> bool:
    """On the stack's list (OverrideUsers, `members` of OverrideUserGroup), and not left out by the pipeline's tag.

    Where the stack names nobody, nobody may, whatever the tag says.
    """
    of_the_stack = user_id in policy.override_users or (bool(policy.override_user_group) and user_id in members)
    return of_the_stack and (not tags.overriders or user_id in tags.overriders)


NOBODY = "Nobody may override here: the stack's OverrideUsers and OverrideUserGroup are empty."


def who_may_override(policy: Policy, tags: PipelineTags) -> str:
    """Who may, by name, in one sentence of safe mrkdwn. For an answer one person sees: mentions wake people."""
    groups = [f"<!subteam^{policy.override_user_group}>"] if policy.override_user_group else []
    stack = [*groups, *(mention(user) for user in policy.override_users)]
    if not stack:
        return NOBODY
    if tags.overriders:
        named = ", ".join(mention(user) for user in tags.overriders)
        return f"Only {named} may override this pipeline (tag allclear:overriders), if the stack allows them too."
    return f"Only {', '.join(stack)} may override."


def where_overriders_are_named(policy: Policy, tags: PipelineTags) -> str:
    """The same by the settings' names, for a card."""
    if not (policy.override_user_group or policy.override_users):
        return NOBODY
    narrowed = ", narrowed by its tag allclear:overriders" if tags.overriders else ""
    return f"Override: those whom the stack's OverrideUsers and OverrideUserGroup name{narrowed}."


def can_be_overridden(execution: Execution) -> bool:
    """Only a gate or a stage condition can be passed; a failed action can only be retried."""
    return execution.waiting or execution.stopped_by_gate or bool(execution.condition)


def what_stopped(execution: Execution) -> str:
    """In words, what an override of this execution passes."""
    return (
        _CONDITIONS.get(execution.condition, "the stage's condition") if execution.condition else "the health gate"
    )


def in_force(override: Override, stage: str, now: datetime) -> bool:
    """Whether it still lets this stage pass."""
    return override.key.stage == stage and now < override.expires_at
