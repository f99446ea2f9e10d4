"""What a card says of a deploy that runs longer than usual while an issue is open. Pure; safe mrkdwn."""

from bot.model import Execution

HANGS = "running longer than usual"
NOT_FAILED = "nothing is retried that has not failed; if it fails, it is held"


def hanging_next(execution: Execution) -> str:
    """What happens if it fails, and how to end it."""
    if not execution.blockers:
        return (
            "Nothing has failed, and nothing needs a retry. This card will say how it ends; to give it up, stop "
            "the execution in CodePipeline."
        )
    count = len(execution.blockers)
    issues = "the issue" if count < 2 else f"all {count} issues"
    return (
        f"*Nothing has failed, and {NOT_FAILED}* until AWS closes {issues}. If it passes, this card says so. "
        "To give it up, stop the execution in CodePipeline."
    )
