"""The words people type after `/allclear` or after the app's name. Pure."""

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from bot.slack.mrkdwn import clean, escape

WORDS = ("status", "issues", "history", "why", "retry", "override", "ignore", "help")
HELP = (
    "*What Allclear can do* (the same words work after its name, in channels and threads)\n"
    "• `/allclear status`: every deploy that is held, retried, or waits for a person\n"
    "• `/allclear status &lt;pipeline&gt;`: one pipeline\n"
    "• `/allclear why &lt;pipeline&gt;`: why its failure is, or is not, put down to AWS\n"
    "• `/allclear history &lt;pipeline&gt;`: what happened to it; without a name, what ended last\n"
    "• `/allclear issues`: the AWS issues that are open, and what they hold\n"
    "• `/allclear retry &lt;pipeline&gt;`: retry it now (any full member of this workspace)\n"
    "• `/allclear override &lt;pipeline&gt; &lt;reason&gt;`: let it pass its health gate or stage condition "
    "(those who may override)\n"
    "• `/allclear ignore &lt;issue&gt; &lt;reason&gt;`: an AWS issue holds nothing any more; "
    "`ignore &lt;issue&gt; undo` takes that back (those who may override)\n"
    "• `/allclear help`: this\n"
    "Retry, Override, Don't resume and Undo are buttons on each deploy's card, too."
)

_LEADING_MENTION = re.compile(r"\s*(?:<@[UW][A-Z0-9]+(?:\|[^<>]*)?>[\s,:]*)+")
_ANY_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>")
_LINKED = re.compile(r"<(?:[a-z]+:[^<>|]*)\|([^<>|]*)>")  # Slack links what looks like an address: web.dev
_BARE_LINK = re.compile(r"<(?:https?://|mailto:)?([^<>|@#!][^<>|]*)>")
_AROUND = "\"'`*“”‘’!,;:"  # a word, as people write it in a sentence
_READING = ("status", "why", "history", "issues", "help")


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
    word = word.strip(f"{_AROUND}?").lower()
    asking = "?" if word in _READING else ""  # "retry web?" may be a question to others: it is asked back
    return Words(word, subject.strip(f"{_AROUND}{asking}<>"), rest)


def without_own_name(text: str, bot_user: str) -> str:
    """What was said to the app, wherever its name stands: "hey @Allclear status" and "status @Allclear" too.

    That is all of it where it begins with one of WORDS, else what comes after the name, if anything does.
    """
    ours = next((found for found in _ANY_MENTION.finditer(text) if found[1] == bot_user), None)
    if ours is None:
        return text
    before, after = text[: ours.start()], text[ours.end() :]
    if read_words(before).word in WORDS:
        return f"{before} {after}"
    return after.lstrip(" ,:") if after.strip(" ,:") else before


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
