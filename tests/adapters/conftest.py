"""What the adapters' tests share: an AWS on 127.0.0.1, an account that does not exist, and no waiting."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from bot.adapters.aws import AwsClients
from bot.adapters.codepipeline import CodePipeline
from tests.adapters.local_aws import LocalAws, serve_aws


@pytest.fixture
def no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that open nothing, no profile of the machine's, and retries of the SDK without their pauses."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "not-a-secret",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_HEALTH", "AWS_ENDPOINT_URL_CODEPIPELINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _seconds: None))


@pytest.fixture
def aws(no_account: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAws]:  # noqa: ARG001 - set up first
    """Every AWS service, as boto3 finds it through AWS_ENDPOINT_URL."""
    with serve_aws() as local:
        monkeypatch.setenv("AWS_ENDPOINT_URL", local.url)
        yield local


@pytest.fixture
def pipelines(aws: LocalAws) -> CodePipeline:  # noqa: ARG001 - the environment must be set
    """CodePipeline as the functions use it, but for a shorter patience."""
    return CodePipeline(AwsClients(read_timeout=1))
