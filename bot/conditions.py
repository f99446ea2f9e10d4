"""A stage that a condition stopped: what can be done about it without an override. Pure.

No action failed, so there is nothing to retry: RetryStageExecution answers StageNotRetryableException ("the stage
contains no failed actions"). Only OverrideStageCondition goes on, and it checks nothing again. Where the condition
is Allclear's health gate alone, Allclear decides as the gate would and then passes it; what another rule says is
not Allclear's to pass.
"""

from bot.model import Execution


def other_rules(execution: Execution) -> tuple[str, ...]:
    """The condition's rules that are not Allclear's gate, whether they failed or not."""
    strangers = (action.name for action in execution.actions if action.gate_issues is None)
    beside = (name for action in execution.actions for name in action.beside)
    return tuple(dict.fromkeys([*strangers, *beside]))


def why_no_retry(execution: Execution) -> str:
    """Why neither Allclear nor a click can retry it, in one sentence; "" where they can."""
    others = other_rules(execution)
    if not execution.condition or (execution.actions and not others):
        return ""
    said = f"what the rule {', '.join(others)} says" if others else "it"
    return f"CodePipeline has no retry for a stage that a condition stopped, and only an override may pass {said}."
