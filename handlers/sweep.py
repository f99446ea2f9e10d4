"""Every minute: the alarm clock behind everything that waits."""

from aws_lambda_powertools.metrics import MetricUnit, single_metric

from bot.workflows.sweep import sweep
from handlers.composition import app


def handler(_event: object, _context: object) -> dict[str, int]:
    """Work through what is due. Items that failed are counted, for the alarm; the others are not held up."""
    failed = sweep(app().world, app().clock())
    if failed:
        with single_metric(name="SweepItemsFailed", unit=MetricUnit.Count, value=failed):
            pass
    return {"failed": failed}
