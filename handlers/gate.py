"""CodePipeline: the job of a health gate, a Lambda action in the pipeline."""

from typing import Any

from bot.errors import ParseError
from bot.gate import cannot_run, parse_job
from bot.workflows.gate import answer_gate
from handlers.composition import app


def handler(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Answer the job: pass, or fail naming the open issues. Without a job id there is nothing to answer.

    The event is never logged: it carries credentials.
    """
    try:
        job = parse_job(event)
    except ParseError as wrong:
        app().logger.error("refused a job: %s", wrong)
        return {"refused": str(wrong)}
    try:
        world = app().world
    except (ParseError, KeyError) as wrong:  # a setting of the stack; the job is answered all the same
        app().logger.exception("the settings are wrong")
        answer = cannot_run(f"a setting of Allclear's stack is wrong ({wrong}). Correct it, then retry the stage.")
        app().pipelines.fail_job(app().region, job.job_id, answer.message, "")
        return {"passes": "false", "message": answer.message}
    answer = answer_gate(world, job, app().region, app().clock())
    app().logger.info("job %s %s", job.job_id, "passes" if answer.passes else "does not pass")
    return {"passes": str(answer.passes).lower(), "message": answer.message}
