"""What can happen to a failed stage, and what follows from it."""

from bot.lifecycle.events import (
    Accepted,
    Claimed,
    Dismissed,
    Event,
    Explained,
    Frozen,
    Overtaken,
    Postponed,
    Refused,
    Released,
    RetryLost,
    RetryRequested,
    StageFailed,
    StageGone,
    StagePassed,
    StageRunning,
    StageStopped,
    TooOld,
    Undone,
)
from bot.lifecycle.holding import begin
from bot.lifecycle.table import advance

__all__ = [
    "Accepted",
    "Claimed",
    "Dismissed",
    "Event",
    "Explained",
    "Frozen",
    "Overtaken",
    "Postponed",
    "Refused",
    "Released",
    "RetryLost",
    "RetryRequested",
    "StageFailed",
    "StageGone",
    "StagePassed",
    "StageRunning",
    "StageStopped",
    "TooOld",
    "Undone",
    "advance",
    "begin",
]
