"""A store between the workflows and the table through which others act at the worst moment, or the power fails."""

from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any

from bot.ports import Store


class PowerFailure(BaseException):
    """The function dies here: nothing after this line of it ever runs, no handler of an error either."""


def power_fails() -> None:
    raise PowerFailure


class MeddledStore:
    """Every method is the real store's; `before` and `after` run something once, around the next call of one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._before: defaultdict[str, deque[Callable[[], object]]] = defaultdict(deque)
        self._after: defaultdict[str, deque[Callable[[], object]]] = defaultdict(deque)

    def before(self, method: str, meanwhile: Callable[[], object]) -> None:
        self._before[method].append(meanwhile)

    def after(self, method: str, meanwhile: Callable[[], object]) -> None:
        self._after[method].append(meanwhile)

    def clear(self) -> None:
        """Nobody meddles any more."""
        self._before.clear()
        self._after.clear()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def call(*arguments: Any, **options: Any) -> Any:
            if self._before[name]:
                self._before[name].popleft()()
            answer = method(*arguments, **options)
            if self._after[name]:
                self._after[name].popleft()()
            return answer

        return call
