"""Every minute: the alarm clock behind everything that waits."""

from aws_lambda_powertools.metrics import MetricUnit, single_metric

from bot.workflows.sweep import sweep
from handlers.composition import app
from handlers.stream_records import TIME_TO_STOP, Context


def handler(_event: object, context: Context | None) -> dict[str, int]:
    """Work through what is due. Items that failed are counted, for the alarm; the others are not held up."""
    failed = sweep(app().world, app().clock(), lambda: _out_of_time(context))
    if failed:
        with single_metric(name="SweepItemsFailed", unit=MetricUnit.Count, value=failed):
            pass
    return {"failed": failed}


def _out_of_time(context: Context | None) -> bool:
    """Invoked by hand, without a context, there is no timeout to mind."""
    return context is not None and context.get_remaining_time_in_millis() < TIME_TO_STOP
