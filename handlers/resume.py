"""DynamoDB stream: executions whose retry is owed to CodePipeline."""

from bot.model import ExecutionKey
from bot.workflows.ledger import IssueReader
from bot.workflows.resume import resume
from handlers.composition import app
from handlers.stream_records import Context, each_execution


def handler(event: object, context: Context | None) -> dict[str, list[dict[str, str]]]:
    """Claim and make each retry that is still right."""
    world = app().world
    reader = IssueReader(world)

    def act(key: ExecutionKey) -> None:
        resume(world, reader, key, app().clock())

    return each_execution(event, context, app().logger, act)
