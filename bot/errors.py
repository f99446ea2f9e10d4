"""One error tree. Each class is a situation, and its docstring says what the catcher does."""

from datetime import timedelta


class AllclearError(Exception):
    """Anything Allclear itself raises."""


class ParseError(AllclearError):
    """Input from outside is not what its source documents. The caller refuses it; nothing has changed.

    `field` is the path of the offending field ("detail.pipeline"), so that the message names it.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class IllegalTransition(AllclearError):
    """The lifecycle has no such step. Nothing has changed; it is a bug in the caller and goes to the alarm."""


class VersionConflict(AllclearError):
    """Someone else saved first. The catcher loads again and decides again."""


class TryLater(AllclearError):
    """A service is throttling, busy or unreachable. Nothing was done; the catcher saves a later clock.

    `after` is the service's own wish (a Retry-After header), if it stated one.
    """

    def __init__(self, message: str, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.after = after


class PipelineGone(AllclearError):
    """CodePipeline knows no such pipeline. There is nothing to watch or to retry."""


class NotAllowed(AllclearError):
    """AWS refuses this call for want of a permission, which the message names. Somebody has to grant it."""


class RetryRefused(AllclearError):
    """CodePipeline answered RetryStageExecution or OverrideStageCondition with an error.

    Nothing started, the budget is given back.
    """


class RetryNotNow(RetryRefused):
    """Conflict, concurrency limit or throttling: the same call may succeed later."""


class NotRetryable(RetryRefused):
    """StageNotRetryableException: the catcher reads the truth again (running, passed, or final)."""


class NotLatest(RetryRefused):
    """NotLatestPipelineExecutionException: a newer execution took the stage. Final."""


class RetryImpossible(RetryRefused):
    """Pipeline or stage not found, invalid, or a condition nobody may override. Final; a person has to look."""


class OutcomeUnknown(AllclearError):
    """A call may or may not have taken effect (time-out, dropped connection, 5xx). Look before calling again."""


class HealthUnreadable(AllclearError):
    """AWS Health could not be read just now (throttled, unreachable, 5xx). HealthUnavailable decides."""


class CalendarUnreadable(AllclearError):
    """The change calendar could not be read. It counts as closed, and is looked at again."""


class NoSupportPlan(AllclearError):
    """AWS Health answered SubscriptionRequiredException. The ledger of events is the source."""


class SlackRefused(AllclearError):
    """Slack will not take this message however often it is sent (`error` is Slack's own code)."""

    def __init__(self, error: str) -> None:
        super().__init__(f"Slack refused: {error}")
        self.error = error


class TriggerExpired(AllclearError):
    """Slack's trigger lives three seconds and is used once. The catcher says "click again"."""


class DuplicateClick(AllclearError):
    """This Slack request was already carried out. The catcher answers with what happened then."""
