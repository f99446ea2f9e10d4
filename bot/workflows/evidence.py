"""Ask the services behind failed actions what CodePipeline does not tell, once, when the failure is first seen."""

import logging
from collections.abc import Iterable
from dataclasses import replace

from bot.errors import TryLater
from bot.model import FailedAction
from bot.workflows.world import World

logger = logging.getLogger(__name__)

ASKED_AT_MOST = 3  # failed actions of one stage; the others are matched by their provider alone


def with_evidence(
    world: World, account: str, failed: Iterable[FailedAction]
) -> tuple[tuple[FailedAction, ...], str]:
    """The failed actions with what their services tell of them, and the caveat where one could not be asked.

    Attribution never waits for it: the first service that is busy, or answers nonsense, ends the asking.
    """
    known: list[FailedAction] = []
    caveat = ""
    for action in failed:
        if len(known) >= ASKED_AT_MOST or caveat:
            known.append(action)
            continue
        try:
            found = world.evidence.of(account, action)
        except Exception as problem:  # an answer nobody foresaw explains nothing; the failure is held all the same
            if isinstance(problem, TryLater):
                logger.info("%s: matched without its details (%s)", action.name, problem)
            else:
                logger.exception("%s: matched without its details", action.name)
            caveat = (
                f"What {action.name} failed on could not be read, so only {action.provider} itself was matched."
            )
            known.append(action)
            continue
        told = replace(action, services=found.services, build_phase=found.build_phase, reason=found.reason)
        known.append(replace(told, build_fault=found.build_fault))
    return tuple(known), caveat
