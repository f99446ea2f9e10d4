"""The port to the services behind a pipeline's actions: what they tell of a failure that CodePipeline does not."""

from dataclasses import dataclass
from typing import Protocol

from bot.model import FailedAction


@dataclass(frozen=True, slots=True)
class Found:
    """What the service behind a failed action tells about its failure."""

    services: tuple[str, ...] = ()  # AWS Health service codes, sorted
    build_phase: str = ""
    build_fault: bool = False
    reason: str = ""  # the first service error (bot.service_errors) that a failed resource names; cut


class Evidence(Protocol):
    """What CloudFormation, CodeBuild, CodeDeploy and ECS know of a failure that CodePipeline does not tell."""

    def of(self, account: str, action: FailedAction) -> Found:
        """Nothing for an action of another provider, and where the service does not let us look or knows nothing.

        Raises TryLater. Bounded: a few short calls.
        """
        ...

    def underway(self, account: str, action: FailedAction) -> Found:
        """What an action that runs is at work on, told as `of` tells of one that failed; by the same rules."""
        ...
