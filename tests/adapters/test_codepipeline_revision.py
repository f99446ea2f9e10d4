"""What an execution carries, for the card: the commit and who wrote it."""

from typing import Any

import pytest

from bot.adapters.codepipeline import CodePipeline
from bot.adapters.codepipeline_revision import revision
from tests.adapters.local_aws import LocalAws
from tests.adapters.test_codepipeline_truth import OURS, listed, stage, truths


@pytest.mark.parametrize(
    ("artifacts", "expected"),
    [
        ([{"revisionSummary": "Fix the footer\n\nLong story"}], "Fix the footer"),
        ([{"revisionSummary": '{"ProviderType":"GitHub","CommitMessage":"Fix it\\nmore"}'}], "Fix it"),
        ([{"revisionSummary": '{"ProviderType":"GitHub"}'}], '{"ProviderType":"GitHub"}'),
        ([{"revisionId": "0123456789abcdef0123456789abcdef01234567"}], "01234567"),
        ([{"revisionId": "s3-version-id"}, {"revisionSummary": "Second"}], "s3-version-id; Second"),
        ([{"revisionSummary": "y" * 2_000}], "y" * 200),
        ([{}], ""),
    ],
)
def test_the_revision_is_one_line(artifacts: list[dict[str, str]], expected: str) -> None:
    assert revision({"artifactRevisions": artifacts}) == expected


COMMIT = "0123456789abcdef0123456789abcdef01234567"


def source(variables: dict[str, str], category: str = "Source") -> dict[str, Any]:
    """A row of ListActionExecutions with these output variables."""
    kind = {"category": category, "owner": "AWS", "provider": "CodeStarSourceConnection", "version": "1"}
    return listed("Checkout", 1, "Succeeded", 0, 1) | {
        "stageName": "Source",
        "input": {"actionTypeId": kind},
        "output": {"outputVariables": variables},
    }


ANAS = {"CommitId": COMMIT, "CommitMessage": "Fix the footer\n\nLong story", "AuthorDisplayName": "Ana"}


@pytest.mark.parametrize(
    ("artifacts", "variables", "expected"),
    [
        ([{"revisionId": COMMIT, "revisionSummary": "Fix the footer"}], ANAS, "Fix the footer (Ana)"),
        ([{"revisionId": COMMIT}], ANAS, "Fix the footer (Ana)"),
        ([], ANAS, "Fix the footer (Ana)"),  # GetPipelineExecution would not tell
        ([{"revisionId": COMMIT}], {"CommitId": COMMIT, "AuthorId": "ana"}, "01234567 (ana)"),
        ([{"revisionId": COMMIT}], {"CommitId": COMMIT, "CommitMessage": "x" * 300, "AuthorDisplayName": "Ana"},
         "x" * 194 + " (Ana)"),
        ([{"revisionId": COMMIT, "revisionSummary": "Other"}], {**ANAS, "CommitId": "f" * 40}, "Other"),
        ([{"revisionId": COMMIT, "revisionSummary": "Fix it"}], {"CommitId": COMMIT}, "Fix it"),
    ],
)  # fmt: skip
def test_the_source_action_of_this_commit_names_its_author(
    artifacts: list[dict[str, str]], variables: dict[str, str], expected: str
) -> None:
    assert revision({"artifactRevisions": artifacts}, [source(variables)]) == expected


def test_only_a_source_actions_variables_are_a_commits(aws: LocalAws, pipelines: CodePipeline) -> None:
    """A build may export whatever it likes."""
    told = truths(
        aws,
        pipelines,
        stages=[stage("Source", OURS, "Succeeded")],
        actions=[source({**ANAS, "AuthorDisplayName": "Mallory"}, "Build"), source(ANAS)],
        artifactRevisions=[{"revisionId": COMMIT, "revisionSummary": "Fix the footer"}],
    )
    assert told["Source"].revision == "Fix the footer (Ana)"
