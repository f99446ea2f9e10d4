"""What the services behind failed actions tell, in memory."""

from collections import deque

from bot.evidence import Found
from bot.model import FailedAction


class FakeEvidence:
    """Implements bot.evidence.Evidence."""

    def __init__(self) -> None:
        self.found: dict[str, Found] = {}  # action name: what is told of it
        self.works_on: dict[str, Found] = {}  # the same of one that runs
        self.errors: deque[Exception] = deque()
        self.asked: list[str] = []  # action names

    def of(self, account: str, action: FailedAction) -> Found:  # noqa: ARG002 - by name is enough
        self.asked.append(action.name)
        if self.errors:
            raise self.errors.popleft()
        return self.found.get(action.name, Found())

    def underway(self, account: str, action: FailedAction) -> Found:  # noqa: ARG002 - by name is enough
        self.asked.append(action.name)
        if self.errors:
            raise self.errors.popleft()
        return self.works_on.get(action.name, Found())
