"""What an execution carries, from CodePipeline's answers, in a line for the card. Pure."""

import json
import re
from collections.abc import Sequence

from bot.adapters.codepipeline_rows import Row

REVISION_LIMIT = 200  # characters
AUTHOR_LIMIT = 60
_SHORT_ID = 8  # characters of a commit's hash that people know it by


def revision(execution: Row, actions: Sequence[Row] = ()) -> str:
    """What the execution carries, on one line: commit messages with their authors, short ids where there is none.

    A source action over a connection (CodeStarSourceConnection) names the author among its output variables,
    beside CommitId and CommitMessage; CodeCommit's names no author.
    """
    variables = [row.get("output", {}).get("outputVariables", {}) for row in actions if _is_source(row)]
    of_commit = {told["CommitId"]: told for told in variables if told.get("CommitId")}
    revisions = execution.get("artifactRevisions") or [{"revisionId": commit} for commit in of_commit]
    told = (_revision_text(each, of_commit.get(each.get("revisionId", ""), {})) for each in revisions)
    is_rollback = execution.get("executionType") == "ROLLBACK"  # it carries what its target carried
    text = "; ".join(dict.fromkeys(text for text in told if text))
    return (f"Rollback to: {text}" if is_rollback and text else text)[:REVISION_LIMIT]


def _is_source(row: Row) -> bool:
    return bool(row.get("input", {}).get("actionTypeId", {}).get("category") == "Source")


def _revision_text(artifact: Row, variables: Row) -> str:
    """`variables` are those of the source action that fetched this very commit; empty if none is known."""
    message = variables.get("CommitMessage") or _summary(str(artifact.get("revisionSummary", "")))
    lines = message.strip().splitlines()
    revision_id = str(artifact.get("revisionId", ""))
    short = revision_id[:_SHORT_ID] if re.fullmatch(r"[0-9a-f]{40,64}", revision_id) else revision_id
    text = lines[0].strip() if lines else short
    author = (variables.get("AuthorDisplayName") or variables.get("AuthorId") or "")[:AUTHOR_LIMIT].strip()
    by = f" ({author})" if author else ""
    return text[: REVISION_LIMIT - len(by)] + by


def _summary(text: str) -> str:
    """A connection's source (GitHub, GitLab, Bitbucket) tells {"ProviderType": "GitHub", "CommitMessage": "…"}."""
    try:
        told = json.loads(text)
    except ValueError:
        return text
    is_message = isinstance(told, dict) and isinstance(told.get("CommitMessage"), str)
    return str(told["CommitMessage"]) if is_message else text
