"""The lifecycle of a failed stage: one transition table, every status × event decided on purpose. Pure.

`advance` returns the new state, or the very same object where nothing changes; an illegal pair raises
IllegalTransition and nothing has happened. The events are in events.py, the steps in
holding.py, retrying.py, waiting.py and hanging.py; this file says which step each status takes on each event.
"""

from collections.abc import Callable
from datetime import datetime

from bot.errors import IllegalTransition
from bot.lifecycle import hanging, holding, retrying, waiting
from bot.lifecycle.events import (
    Accepted,
    Claimed,
    Dismissed,
    Event,
    Explained,
    Frozen,
    GateLost,
    GatePassed,
    GateWaits,
    Lapsed,
    Overridden,
    Overtaken,
    Postponed,
    Refused,
    Released,
    RetryLost,
    RetryRequested,
    StageFailed,
    StageGone,
    StageHangs,
    StagePassed,
    StageRunning,
    StageStopped,
    TooOld,
    Undone,
)
from bot.lifecycle.state import same
from bot.model import Execution, Status
from bot.policy import Policy

Step = Callable[..., Execution]


def illegal(execution: Execution, event: Event, _now: datetime, _policy: Policy) -> Execution:
    """This status never takes this event: the caller is wrong."""
    raise IllegalTransition(f"{type(event).__name__} is not possible while {execution.status}")


ORDER = tuple(Status)

# One row an event, one column a status, in the order of the Status enum.
# fmt: off
TABLE: dict[type, tuple[Step, ...]] = {
    #                 BLOCKED               RESUMING              RETRYING            NEEDS_HUMAN
    #                 RECOVERED             SUPERSEDED            STOPPED             DISMISSED
    # What CodePipeline says. A new failed attempt re-opens whatever had ended.
    StageFailed:     (holding.fail,         holding.fail,         holding.fail,       holding.fail,
                      holding.fail,         holding.fail,         holding.fail,       holding.fail),
    StageRunning:    (retrying.run_outside, retrying.run_resumed, same,               retrying.run_outside,
                      same,                 same,                 same,               same),
    StagePassed:     (holding.recover,      holding.recover,      holding.recover,    holding.recover,
                      same,                 holding.recover,      holding.recover,    holding.recover),
    Overtaken:       (holding.supersede,    holding.supersede,    holding.supersede,  holding.supersede,
                      same,                 same,                 same,               holding.supersede),
    StageStopped:    (holding.stop,         holding.stop,         holding.stop,       holding.stop,
                      same,                 same,                 same,               holding.stop),
    StageGone:       (holding.stop,         holding.stop,         holding.stop,       holding.stop,
                      same,                 same,                 same,               holding.stop),
    # What a waiting gate writes down, held against the truth. A new wait re-opens whatever had ended.
    GateWaits:       (waiting.wait,         waiting.wait,         waiting.wait,       waiting.wait,
                      waiting.wait,         waiting.wait,         waiting.wait,       waiting.wait),
    GatePassed:      (waiting.let_through,  same,                 same,               waiting.let_through,
                      same,                 same,                 same,               same),
    GateLost:        (waiting.lose,         same,                 same,               same,
                      same,                 same,                 same,               same),
    # What runs longer than usual. A stage that runs again after its end is another run.
    StageHangs:      (hanging.hang_on,      same,                 hanging.retry_hangs, same,
                      hanging.hang_again,   same,                 same,               same),
    # What AWS Health says. A person's "don't resume" stands; what runs or has ended is left alone.
    Explained:       (holding.explain,      holding.hold_again,   same,               holding.explain,
                      same,                 same,                 same,               same),
    Released:        (holding.release,      same,                 same,               holding.forget,
                      same,                 same,                 same,               same),
    TooOld:          (holding.ask_for_age,  same,                 same,               same,
                      same,                 same,                 same,               same),
    RetryLost:       (same,                 same,                 retrying.lose,      same,
                      same,                 same,                 same,               same),
    # The retry owed to CodePipeline. Late answers find the state already moved on.
    Claimed:         (illegal,              retrying.claim,       illegal,            illegal,
                      illegal,              illegal,              illegal,            illegal),
    Accepted:        (same,                 retrying.accept,      same,               same,
                      same,                 same,                 same,               same),
    Postponed:       (same,                 retrying.postpone,    retrying.refund,    same,
                      same,                 same,                 same,               same),
    Refused:         (same,                 retrying.refuse,      retrying.refund,    same,
                      same,                 same,                 same,               same),
    Frozen:          (same,                 retrying.freeze,      same,               same,
                      same,                 same,                 same,               same),
    Lapsed:          (same,                 retrying.freeze,      same,               same,
                      same,                 same,                 same,               same),
    # What people say. A click on a card that has moved on is refused before it gets here.
    RetryRequested:  (retrying.request,     retrying.hasten,      same,               retrying.request,
                      illegal,              illegal,              illegal,            illegal),
    Overridden:      (retrying.override,    retrying.override,    retrying.let_pass,  retrying.override,
                      illegal,              illegal,              illegal,            illegal),
    Dismissed:       (retrying.dismiss,     retrying.dismiss,     illegal,            retrying.dismiss,
                      illegal,              illegal,              illegal,            same),
    Undone:          (illegal,              illegal,              illegal,            illegal,
                      illegal,              illegal,              illegal,            retrying.undo),
}
# fmt: on


def advance(execution: Execution, event: Event, now: datetime, policy: Policy) -> Execution:
    """The state after `event` at `now`: version + 1 and one history line, or the same object.

    Raises IllegalTransition where the table says so; nothing has changed then.
    """
    return TABLE[type(event)][ORDER.index(execution.status)](execution, event, now, policy)
