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
        try:
            drawn = draw(burst, app().store, app().chat, app().policy, app().clock(), app().pause)
        except Exception as error:  # noqa: BLE001 - the members' cards are up to date, and their records have not failed
            app().logger.error("burst %s cannot be drawn; its clock brings it back", burst, exc_info=error)
            drawn = False
        if not drawn:
            _count_undeliverable()
    return answer


def _count_undeliverable() -> None:
    with single_metric(name="CardsUndeliverable", unit=MetricUnit.Count, value=1):
        pass
