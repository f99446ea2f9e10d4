"""Text for Slack, made safe: escaped, cut to limits, and free of markup that our own builders did not write.

Foreign text (names, error messages, commit messages, reasons) goes through `escape` where mrkdwn is read and
through `plain` or `literal` where it is not. No message then holds a `<!`, `<@` or `<#` that `slack_date` and
`mention` did not write, in any kind of text: whoever reads the JSON need not know which kind it is.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

TEXT_LIMIT = 3_900  # characters of top-level text: chat.update takes 4,000, and does not say how it counts
WORD_JOINER = "\u2060"  # invisible; between `<` and `!` it leaves nothing to parse
_SPECIAL = re.compile("<(?=[!@#])")
_USER_ID = re.compile(r"[UW][A-Z0-9]{1,20}")
_MENTION = re.compile(r"<@([UW][A-Z0-9]{1,20})>")
_ON_CALL = re.compile(r"(?:<@|<!subteam\^)?(?:([UW][A-Z0-9]{1,20})|(S[A-Z0-9]{1,20}))>?")
# Where Slack may make something of bare text: a link of `://`, `www.` and an address, a mention of `@here`, an
# emoji of `:name:` (an ARN is full of them). `verbatim` keeps all but the last from it, in blocks only.
_READ_AS_MORE = re.compile(
    r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=\S)(?=@\S)|(?<=@)(?=here|channel|everyone)|(?<=:)(?=[^\s:]+:)",
    re.IGNORECASE,
)
_OWN_MARKUP = re.compile(r"(<[^<>]*>)")  # escaped text has no `<`
_READ_AS_LINK = re.compile(r"(?<=\w)(?=[.\u3002\uff0e\uff61][^\W\d_])|(?<=[@#])(?=\w)")
_FORMATTING = {"*": "\u2217", "~": "\u223c", "`": "\u02cb", "_": "\u02cd"}  # look-alikes that mark nothing up
_MARKED_UP = re.compile("[*~`_&<>]")  # the keys of the two tables beside this
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# Cc: control, Cf: invisible and bidirectional overrides (they can make a text read as another), Cs: lone
# surrogates (not encodable), Zl/Zp: line separators.
_DROPPED = ("Cc", "Cf", "Cs", "Zl", "Zp")


def clean(text: str) -> str:
    """One line of visible characters, single spaces between words."""
    return " ".join(_visible(text).split())


def _visible(text: str) -> str:
    if text.isprintable():  # most is: it has nothing that is dropped
        return text
    return "".join(" " if unicodedata.category(character) in _DROPPED else character for character in text)


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, the last an ellipsis where something is missing."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def escape(text: str, limit: int = 300) -> str:
    """Foreign text as inline mrkdwn that shows as it is written, at most `limit` characters *after* escaping.

    A name's own underscores stay (`my_app` marks nothing up); all other formatting becomes look-alikes. An
    invisible WORD_JOINER keeps addresses from becoming links, and `:name:` from becoming an emoji.
    """
    cleaned = _READ_AS_MORE.sub(WORD_JOINER, clean(text))
    whole = _MARKED_UP.sub(lambda mark: _shown(cleaned, mark.start()), cleaned)
    if len(whole) <= limit:
        return whole
    pieces: list[str] = []
    room = limit
    for position in range(len(cleaned)):
        piece = _shown(cleaned, position)
        for_the_ellipsis = 0 if position == len(cleaned) - 1 else 1
        if len(piece) + for_the_ellipsis > room:
            return "".join(pieces) + "…"
        pieces.append(piece)
        room -= len(piece)
    return "".join(pieces)


def _shown(text: str, position: int) -> str:
    """One character as mrkdwn that shows it."""
    character = text[position]
    if character in _ENTITIES:
        return _ENTITIES[character]
    inside_a_word = text[position - 1 : position].isalnum() and text[position + 1 : position + 2].isalnum()
    if character == "_" and inside_a_word:
        return character
    return _FORMATTING.get(character, character)


def unlinked(text: str) -> str:
    """Safe mrkdwn for where Slack knows no `verbatim`: a message's top-level text, an answer without blocks.

    There Slack looks for addresses itself ("URL detection is performed by the server", Formatting), and `web.dev`
    or `main.py` is one to it. What our own builders wrote in `<>` stays.
    """
    parts = _OWN_MARKUP.split(text)
    return "".join(part if _OWN_MARKUP.fullmatch(part) else _READ_AS_LINK.sub(WORD_JOINER, part) for part in parts)


def bold(text: str, limit: int = 150) -> str:
    """Foreign text in bold mrkdwn; "" stays "" (`**` would show)."""
    escaped = escape(text, limit)
    return f"*{escaped}*" if escaped else ""


def literal(text: str, limit: int, *, lines: bool = False) -> str:
    """Foreign text for plain_text and rich_text, which parse no markup; never empty, as Slack demands.

    `lines` keeps line breaks and indentation (for preformatted text).
    """
    shown = "\n".join(_visible(line).rstrip() for line in text.splitlines()).strip("\n") if lines else clean(text)
    return cut(_SPECIAL.sub(f"<{WORD_JOINER}", shown), limit) or "–"


def plain(text: str, limit: int) -> dict[str, Any]:
    """A plain_text object; no `:emoji:` is read in it."""
    return {"type": "plain_text", "text": literal(text, limit), "emoji": False}


def mrkdwn(text: str) -> dict[str, Any]:
    """A mrkdwn object of text that is already safe; `verbatim` keeps Slack from linking what looks like a link."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def slack_date(at: datetime) -> str:
    """An instant in each reader's own time zone; UTC where a client cannot show that."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{utc_text(at)}>"


def utc_text(at: datetime) -> str:
    return f"{at:%d %b %Y %H:%M} UTC"


def mention(user_id: str) -> str:
    """A person. Anything that is not a Slack user id is shown as text."""
    return f"<@{user_id}>" if _USER_ID.fullmatch(user_id) else escape(user_id, 60)


def mentioned(text: str) -> tuple[str, ...]:
    """The ids of the people whom safe mrkdwn mentions, each once."""
    return tuple(dict.fromkeys(_MENTION.findall(text)))


def named(text: str, names: Mapping[str, str]) -> str:
    """Safe mrkdwn whose mentions are names, or ids where no name is known: it wakes nobody."""
    return _MENTION.sub(lambda found: escape(names.get(found[1], ""), 60) or found[1], text)


def on_call(setting: str) -> str:
    """OnCallMention as a mention: a user's or a user group's id, bare or as Slack writes it; "" for none."""
    found = _ON_CALL.fullmatch(setting)
    if found is None:
        return ""
    return f"<@{found[1]}>" if found[1] else f"<!subteam^{found[2]}>"


def on_call_sentence(setting: str) -> str:
    """ "On call: @team.", "" where nobody is set."""
    called = on_call(setting)
    return f"On call: {called}." if called else ""


def settled_after(settle: timedelta) -> str:
    """ "5 min after", before "AWS closes the issue"; "when" where nothing is waited for."""
    return f"{duration_text(settle)} after" if settle else "when"


def and_settled(settle: timedelta) -> str:
    """ " and 5 min have passed quietly", behind "the issue is closed"; "" where nothing is waited for."""
    return f" and {duration_text(settle)} have passed quietly" if settle else ""


def duration_text(span: timedelta) -> str:
    """ "3 h 12 min", "5 min", "40 s": two units at most, never negative."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if hours == 0:
        return f"{minutes} min"
    larger, smaller = (f"{days} d", f"{hours % 24} h") if days else (f"{hours} h", f"{minutes % 60} min")
    return larger if smaller.startswith("0 ") else f"{larger} {smaller}"
