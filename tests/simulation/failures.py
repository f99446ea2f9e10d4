"""Actions that fail: of what kind, and what CodePipeline tells of them."""

from dataclasses import replace
from datetime import datetime
from itertools import count

from bot.model import FailedAction
from bot.running import RunningAction
from tests.builders import REGION


class Failures:
    """Each failed action has an id of its own."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def action(self, kind: str) -> FailedAction:
        """ECS and CLOUDFORMATION fail by their service; OWN is the team's own fault."""
        number = next(self._numbers)
        provider = "CloudFormation" if kind == "CLOUDFORMATION" else "ECS"
        return FailedAction(
            name=f"Deploy{number}",
            action_execution_id=f"action-{number:04d}",
            region=REGION,
            category="Deploy",
            owner="AWS",
            provider=provider,
            error_code="ConfigurationError" if kind == "OWN" else "JobFailed",
            message="The deployment failed." if kind == "OWN" else "Service unavailable.",
        )

    def running(self, attempt: int, since_at: datetime) -> RunningAction:
        """The one action of a stage, whose failure may have more actions and other ones."""
        kind = "ECS" if attempt % 2 else "CLOUDFORMATION"
        return RunningAction(replace(self.action(kind), name="Deploy", error_code="", message=""), since_at)

    def rule(self) -> FailedAction:
        """A stage condition stopped the stage."""
        named = replace(self.action("ECS"), name="ErrorAlarm", category="Rule", owner="", provider="")
        return replace(named, error_code="")

    def gate(self, message: str, gate_issues: tuple[str, ...] | None) -> FailedAction:
        """`gate_issues`: what the gate named; None where it was not the gate that failed its job."""
        action = replace(self.action("ECS"), category="Invoke", provider="Lambda", name="HealthGate")
        return replace(action, message=message, gate_issues=gate_issues)
