"""What a pipeline's tags say of how Allclear treats it. Pure."""

import logging
import re
from collections.abc import Mapping

from bot.model import PipelineTags
from bot.policy import CALENDAR, Mode

logger = logging.getLogger(__name__)

_CHANNEL = re.compile(r"[CGD][A-Z0-9]{6,}")


def read_tags(tags: Mapping[str, str], arn: str) -> PipelineTags:
    """A tag whose value makes no sense is left out, with a warning that names the pipeline's ARN."""

    def switch(name: str) -> bool:
        value = tags.get(f"allclear:{name}", "").strip().lower() or "on"
        if value not in ("on", "off"):
            logger.warning("%s: the tag allclear:%s must be on or off, not %r; taken as on", arn, name, value)
        return value != "off"

    mode = tags.get("allclear:mode", "").strip().lower()
    if mode and mode not in tuple(Mode):
        logger.warning("%s: the tag allclear:mode must be active or shadow, not %r; left out", arn, mode)
        mode = ""
    calendar = tags.get("allclear:calendar", "").strip()
    if calendar and not CALENDAR.fullmatch(calendar):
        logger.warning("%s: the tag allclear:calendar names no change calendar: %r; left out", arn, calendar)
        calendar = ""
    channel = tags.get("allclear:channel", "").strip()
    if channel and not _CHANNEL.fullmatch(channel):
        logger.warning("%s: the tag allclear:channel is no channel id: %r; left out", arn, channel)
        channel = ""
    return PipelineTags(
        channel=channel,
        auto_retry=switch("auto-retry"),
        announce_unexplained=switch("unexplained"),
        services=tuple(tags.get("allclear:services", "").upper().split()),
        regions=tuple(tags.get("allclear:regions", "").lower().split()),
        overriders=tuple(tags.get("allclear:overriders", "").split()),  # nonsense stays: it names nobody who may
        calendar=calendar,
        mode=mode,
        tier=tags.get("allclear:tier", "").strip().lower(),
    )
