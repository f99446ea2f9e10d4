"""The one composition root: settings from the environment, adapters made once and lazily, nothing at import.

A function pays only for what it uses: slack_sdk is imported by the two functions that talk to Slack.
"""

import os
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.utils import copy_config_to_registered_loggers

from bot.adapters.aws import AwsClients
from bot.adapters.calendar import ChangeCalendar
from bot.adapters.codepipeline import CodePipeline
from bot.adapters.dynamodb import DynamoStore
from bot.adapters.evidence import ServiceEvidence
from bot.adapters.health import AwsHealth
from bot.evidence import Evidence
from bot.policy import Policy, parse_policy
from bot.ports import Calendar, Health, Pipelines, Store
from bot.slack.port import Chat
from bot.workflows.world import World

if TYPE_CHECKING:
    from bot.adapters.slack_secret import SlackSecrets


# The beginnings of the names in template.yaml's Environment, and of what boto3 and Lambda read. Lambda's own
# variables that change with every invocation are none of them.
SETTINGS = (
    "ACCOUNT_ID",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "CHANGE_",
    "HEALTH_",
    "IGNORED_",
    "INFER_",
    "ISSUE_",
    "LATE_",
    "MAX_",
    "MODE",
    "ON_CALL_",
    "OVERRIDE_",
    "PROVIDER_",
    "SETTLE_",
    "SLACK_",
    "TABLE_",
)


def clock() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)


class App:
    """Everything a handler needs, made on first use and kept while the function stays warm."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.clock = clock
        self.pause = time.sleep
        self.logger = Logger()  # service and level from POWERTOOLS_SERVICE_NAME and LOG_LEVEL
        copy_config_to_registered_loggers(source_logger=self.logger, include={"bot"})
        self._clients = AwsClients()

    @cached_property
    def region(self) -> str:
        """The Region the function runs in."""
        return self._environment.get("AWS_REGION") or self._environment["AWS_DEFAULT_REGION"]

    @cached_property
    def account(self) -> str:
        """The account Allclear is installed in."""
        return self._environment["ACCOUNT_ID"]

    @cached_property
    def policy(self) -> Policy:
        return parse_policy(self._environment)

    @cached_property
    def store(self) -> Store:
        return DynamoStore(self._clients.client("dynamodb", self.region), self._environment["TABLE_NAME"])

    @cached_property
    def pipelines(self) -> Pipelines:
        return CodePipeline(self._clients)

    @cached_property
    def health(self) -> Health:
        return AwsHealth(self._clients, self.account, clock=clock)

    @cached_property
    def calendar(self) -> Calendar:
        return ChangeCalendar(self._clients, self.region)

    @cached_property
    def evidence(self) -> Evidence:
        return ServiceEvidence(self._clients)

    @cached_property
    def world(self) -> World:
        return World(
            store=self.store,
            pipelines=self.pipelines,
            health=self.health,
            calendar=self.calendar,
            evidence=self.evidence,
            policy=self.policy,
            account=self.account,
            new_id=lambda: uuid.uuid4().hex,
        )

    @cached_property
    def slack_secrets(self) -> "SlackSecrets":
        from bot.adapters.slack_secret import SlackSecrets

        return SlackSecrets(
            lambda: self._clients.client("secretsmanager", self.region),
            self._environment["SLACK_SECRET_ARN"],
            clock,
        )

    @cached_property
    def chat(self) -> Chat:
        from bot.adapters.slack import SLACK_API_URL, SlackChat

        base_url = self._environment.get("SLACK_API_URL") or SLACK_API_URL
        return SlackChat(self.slack_secrets.bot_token, base_url, clock)


def app() -> App:
    """The one App of the environment this runs in: in Lambda, where that never changes, the function's only one.

    A process that plays several functions, as a test does, gets one for each. A wrong setting raises ParseError
    (naming the variable) at its first use.
    """
    return _app(tuple((name, os.environ[name]) for name in sorted(os.environ) if name.startswith(SETTINGS)))


@cache
def _app(settings: tuple[tuple[str, str], ...]) -> App:
    return App(dict(settings))
