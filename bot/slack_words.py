"""The words people type after `/allclear` or after the app's name. Pure."""

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from bot.mrkdwn import clean, escape

WORDS = ("status", "issues", "history", "why", "retry", "override", "ignore", "help")
HELP = (
    "*What Allclear understands*, after `/allclear` or after its name\n"
    "• `status`: every deploy that is held, retried, or waits for a person; `status web`: one pipeline\n"
    "• `why web`: why its failure is, or is not, put down to AWS\n"
    "• `history web`: what happened to it; `history`: what ended last\n"
    "• `issues`: the AWS issues that are open, and what they hold\n"
    "• `retry web`: retry it now (any full member of this workspace)\n"
    "• `override web reason`: let it pass its health gate or stage condition (those who may override)\n"
    "• `ignore issue reason`: an AWS issue holds nothing any more; `ignore issue undo` takes that back\n"
    "• `help`: this\n"
    "Retry, Override, Don't resume and Undo are buttons on each deploy's card, too."
)

_LEADING_MENTION = re.compile(r"\s*(?:<@[UW][A-Z0-9]+(?:\|[^<>]*)?>[\s,:]*)+")
_LINKED = re.compile(r"<(?:[a-z]+:[^<>|]*)\|([^<>|]*)>")  # Slack links what looks like an address: web.dev
_BARE_LINK = re.compile(r"<(?:https?://|mailto:)?([^<>|@#!][^<>|]*)>")
_QUOTES = "\"'`*“”‘’"


@dataclass(frozen=True, slots=True)
class Words:
    """The first word, the one it is about, and the rest: a reason."""

    word: str
    subject: str
    rest: str


def read_words(text: str) -> Words:
    """What was typed, without the app's own name, Slack's links and escapes, and quotes around a name."""
    bare = _LEADING_MENTION.sub("", text, count=1) if text.lstrip().startswith("<@") else text
    bare = clean(html.unescape(_BARE_LINK.sub(r"\1", _LINKED.sub(r"\1", bare))))
    word, subject, rest = [*bare.split(maxsplit=2), "", "", ""][:3]
    return Words(word.strip(_QUOTES + ":,").lower(), subject.strip(_QUOTES), rest)


def unknown_word(word: str) -> str:
    """The answer to a word that is none: what may have been meant, and what there is."""
    meant = nearest(word, WORDS)
    question = f" Did you mean `{meant}`?" if meant else ""
    return f"Allclear does not know “{escape(word, 60)}”.{question}\n{HELP}"


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that `name` may be a slip of, "" if none is near."""
    by_lower = {each.lower(): each for each in known}
    found = get_close_matches(name.lower()[:100], list(by_lower), n=1, cutoff=0.6)
    return by_lower[found[0]] if found else ""
