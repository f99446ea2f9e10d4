"""Every minute: the alarm clock behind everything that waits."""

from aws_lambda_powertools.metrics import MetricUnit, single_metric

from bot.workflows.make_due import make_due
from bot.workflows.sweep import sweep
from handlers.composition import app
from handlers.stream_records import TIME_TO_STOP, Context

MAKE_DUE = "make_due"  # what an operator invokes it with (docs/operations.md)


def handler(event: object, context: Context | None) -> dict[str, int | str]:
    """Work through what is due. Items that failed are counted, for the alarm; the others are not held up.

    `{"make_due": "all"}`, or a part of keys in place of all, makes what waits due first.
    """
    made_due: dict[str, int | str] = {}
    if isinstance(event, dict) and MAKE_DUE in event:
        what = event[MAKE_DUE]
        if not isinstance(what, str) or not what.strip():
            return {"refused": f'{MAKE_DUE}: must be "all", or a part of the keys that are meant'}
        made_due = {MAKE_DUE: make_due(app().store, what.strip(), app().clock(), lambda: _out_of_time(context))}
    failed = sweep(app().world, app().clock(), lambda: _out_of_time(context))
    if failed:
        with single_metric(name="SweepItemsFailed", unit=MetricUnit.Count, value=failed):
            pass
    return {**made_due, "failed": failed}


def _out_of_time(context: Context | None) -> bool:
    """Invoked by hand, without a context, there is no timeout to mind."""
    return context is not None and context.get_remaining_time_in_millis() < TIME_TO_STOP
