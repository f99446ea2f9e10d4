"""Decide for the gate once more, before a stage is let pass the condition that it stopped it by.

A failed action's gate is run again by the retry. A condition is not: OverrideStageCondition lets the stage in and
checks nothing, so what the gate would say now is found out here, by what its rule was asked.
"""

import logging
from datetime import datetime

from bot.attribution import blocker
from bot.clocks import postponed_until
from bot.conditions import why_no_retry
from bot.errors import NotAllowed, ParseError, PipelineGone
from bot.lifecycle import Event, Explained, Lapsed, Postponed, StageGone
from bot.model import Attribution, Execution, Verdict
from bot.workflows.gate import judge, read_request
from bot.workflows.ledger import IssueReader
from bot.workflows.world import World

logger = logging.getLogger(__name__)


def gate_again(world: World, reader: IssueReader, execution: Execution, now: datetime) -> Event | None:
    """Why the condition must not be passed now; None where the gate would let the deploy in.

    A condition with rules of others is nobody's to pass but a person's. Raises TryLater.
    """
    key, refusal = execution.key, why_no_retry(execution)
    if refusal:
        return Lapsed(refusal)
    try:
        asked = world.pipelines.rule_parameters(key)
        for rule in execution.actions:
            parameters = asked.get(rule.action_execution_id)
            if parameters is None:
                return _cannot_be_asked("CodePipeline does not tell what it was asked")
            request = read_request(world, parameters, key.region)
            answer = judge(world, reader, request, key.account, now)
            if answer.passes:
                continue
            if not answer.issues:  # AWS Health cannot be read
                return Postponed(answer.stopped_by.rstrip("."), postponed_until(execution, now))
            reason = f"The health gate {rule.name} was asked again and stops the deploy. {answer.stopped_by}"
            held_by = tuple(blocker(issue) for issue in answer.issues)
            return Explained(Attribution(Verdict.EXPLAINED, reason, held_by), by_gate=True)
    except PipelineGone:
        return StageGone(f"The pipeline {key.pipeline} no longer exists")
    except (NotAllowed, ParseError) as problem:
        logger.warning("%s: the gate cannot be asked again: %s", key, problem)
        return _cannot_be_asked(str(problem))
    return None


def _cannot_be_asked(why: str) -> Lapsed:
    return Lapsed(f"The health gate cannot be asked again ({why}). An override passes the condition.")
