"""DynamoDB stream: executions whose card may have to change."""

from aws_lambda_powertools.metrics import MetricUnit, single_metric

from bot.model import ExecutionKey
from bot.workflows.bursts import draw
from bot.workflows.notify import show
from handlers.composition import app
from handlers.stream_records import Context, each_execution

TIME_TO_DRAW = 11_000  # milliseconds: a second or two of waiting, a call to Slack and a few to the table


def handler(event: object, context: Context | None) -> dict[str, list[dict[str, str]]]:
    """Bring each card up to the state as it is saved now, then the burst cards that list them, once each."""
    bursts: set[str] = set()

    def act(key: ExecutionKey) -> None:
        if not show(key, app().store, app().chat, app().policy, app().clock(), bursts):
            _count_undeliverable()

    answer = each_execution(event, context, app().logger, act)
    for burst in sorted(bursts):
        if context is not None and context.get_remaining_time_in_millis() < TIME_TO_DRAW:
            app().logger.warning("out of time; the burst cards that are left have clocks that bring them back")
            break
        if not draw(burst, app().store, app().chat, app().policy, app().clock(), app().pause):
            _count_undeliverable()
    return answer


def _count_undeliverable() -> None:
    with single_metric(name="CardsUndeliverable", unit=MetricUnit.Count, value=1):
        pass
