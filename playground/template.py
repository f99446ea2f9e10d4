"""Reads template.yaml as CloudFormation and SAM would, for what the template uses; anything else is an error."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playground.errors import Unsupported
from playground.intrinsics import Resolver, read_yaml
from playground.parameters import parameter_values
from playground.properties import Properties
from playground.stack import Queue, Secret, Stack, Table
from playground.template_functions import FunctionReader, Wiring, read_raw_rule
from playground.template_topics import read_publishers, read_topics

STACK_NAME = "allclear"

_NAMES = {
    # type: (the property that names it, Ref, Arn); {name} is the physical name
    "AWS::Serverless::Function": ("FunctionName", "{name}", "arn:aws:lambda:{region}:{account}:function:{name}"),
    "AWS::Serverless::HttpApi": ("Name", "{id}", ""),
    "AWS::DynamoDB::Table": ("TableName", "{name}", "arn:aws:dynamodb:{region}:{account}:table/{name}"),
    "AWS::SecretsManager::Secret": (
        "Name",
        "arn:aws:secretsmanager:{region}:{account}:secret:{name}-Al1C2r",
        "",
    ),
    "AWS::SQS::Queue": (
        "QueueName",
        "https://sqs.{region}.amazonaws.com/{account}/{name}",
        "arn:aws:sqs:{region}:{account}:{name}",
    ),
    "AWS::Events::Rule": ("Name", "{name}", "arn:aws:events:{region}:{account}:rule/{name}"),
    "AWS::SNS::Topic": ("TopicName", "arn:aws:sns:{region}:{account}:{name}", ""),
    "AWS::Logs::LogGroup": ("LogGroupName", "{name}", "arn:aws:logs:{region}:{account}:log-group:{name}:*"),
    "AWS::CloudWatch::Alarm": ("AlarmName", "{name}", "arn:aws:cloudwatch:{region}:{account}:alarm:{name}"),
}
_INERT = {  # deployed, and nothing that runs here would notice
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::SQS::QueuePolicy",
}
# Properties that change nothing that can be seen here. Nobody calls fast enough to be throttled; TTL is lazy in
# AWS too, so that nothing may rely on an item being gone.
_API_INERT = (
    "Name", "Description", "DefaultRouteSettings", "RouteSettings", "AccessLogSettings", "FailOnWarnings",
    "PropagateTags", "Tags",
)  # fmt: skip
_TABLE_INERT = (
    "TimeToLiveSpecification", "PointInTimeRecoverySpecification", "SSESpecification", "DeletionProtectionEnabled",
    "ContributorInsightsSpecification", "Tags",
)  # fmt: skip
_TOP_LEVEL = {
    "AWSTemplateFormatVersion", "Transform", "Description", "Metadata", "Rules",
    "Parameters", "Conditions", "Globals", "Resources", "Outputs",
}  # fmt: skip
_RESOURCE_KEYS = {
    "Type", "Properties", "Condition", "Metadata", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy",
}  # fmt: skip


def load(
    path: Path,
    parameters: Mapping[str, str] | None = None,
    *,
    region: str = "us-east-1",
    account: str = "123456789012",
) -> Stack:
    """The stack that deploying the template with these parameters would make.

    Raises Unsupported, naming it, for every construct that is not interpreted here, and for a parameter that is
    missing, unknown, or refused by its own constraints.
    """
    return _Template(path, parameters or {}, region, account).stack()


class _Template:
    def __init__(self, path: Path, parameters: Mapping[str, str], region: str, account: str) -> None:
        document = read_yaml(path)
        unknown = set(document) - _TOP_LEVEL
        if unknown:
            raise Unsupported(f"the template's {', '.join(sorted(unknown))} is not known here")
        self._directory = path.parent
        self._region = region
        self._account = account
        self._document = document
        self._resources: dict[str, dict[str, Any]] = document["Resources"]
        values: dict[str, Any] = {
            "AWS::AccountId": account,
            "AWS::Region": region,
            "AWS::Partition": "aws",
            "AWS::StackName": STACK_NAME,
            "AWS::URLSuffix": "amazonaws.com",
        }
        values |= parameter_values(document.get("Parameters", {}), parameters)
        self._resolver = Resolver(values, document.get("Conditions", {}), self._attribute)

    def stack(self) -> Stack:
        wiring = Wiring()
        tables, secrets, queues, deferred = [], [], [], []
        functions, topics, publishers = {}, {}, set()
        reader = FunctionReader(self._directory, self._resolver.resolve(self._document.get("Globals", {})), wiring)
        for logical_id, resource in self._resources.items():
            unknown = set(resource) - _RESOURCE_KEYS
            if unknown:
                raise Unsupported(f"{logical_id}: {', '.join(sorted(unknown))} is not known here")
            if "Condition" in resource and not self._resolver.condition(resource["Condition"]):
                continue
            kind = resource["Type"]
            properties = Properties(logical_id, self._resolver.resolve(resource.get("Properties", {})))
            if kind == "AWS::Serverless::Function":
                name, arn = self._attribute(logical_id, "Ref"), self._attribute(logical_id, "Arn")
                functions[logical_id] = reader.read(logical_id, name, arn, properties)
            elif kind == "AWS::DynamoDB::Table":
                tables.append(self._table(logical_id, properties))
            elif kind == "AWS::SecretsManager::Secret":
                secrets.append(self._secret(logical_id, properties))
            elif kind == "AWS::SQS::Queue":
                queues.append(self._queue(logical_id, properties))
            elif kind == "AWS::Serverless::HttpApi":
                properties.expect("StageName", "$default")
                properties.done(*_API_INERT)
            elif kind == "AWS::SNS::Topic":
                properties.done("TopicName", "DisplayName", "Tags")
                topics[self._attribute(logical_id, "Ref")] = self._attribute(logical_id, "TopicName")
            elif kind == "AWS::SNS::TopicPolicy":
                publishers |= read_publishers(properties)
            elif kind in ("AWS::Events::Rule", "AWS::Lambda::Permission"):
                deferred.append((logical_id, kind, properties))
            elif kind not in _INERT:
                raise Unsupported(f"{logical_id}: resources of type {kind} are not known here")
        self._read_rules(
            deferred, {function.arn: logical_id for logical_id, function in functions.items()}, wiring
        )
        return Stack(
            name=STACK_NAME,
            region=self._region,
            account=self._account,
            functions=functions,
            tables=tuple(tables),
            secrets=tuple(secrets),
            queues=tuple(queues),
            rules=tuple(wiring.rules),
            schedules=tuple(wiring.schedules),
            stream_mappings=tuple(wiring.stream_mappings),
            routes=tuple(wiring.routes),
            topics=read_topics(topics, publishers),
            subscriptions=tuple(wiring.subscriptions),
            outputs=self._outputs(),
        )

    def _read_rules(
        self, deferred: list[tuple[str, str, Properties]], functions: Mapping[str, str], wiring: Wiring
    ) -> None:
        """Rules written out by hand need a permission each, without which AWS drops their events."""
        permitted = set()
        for _, kind, properties in deferred:
            if kind == "AWS::Lambda::Permission" and properties.take("Principal") == "events.amazonaws.com":
                permitted.add((properties.take("FunctionName"), properties.take("SourceArn", "")))
        for logical_id, kind, properties in deferred:
            if kind == "AWS::Events::Rule":
                name, arn = self._attribute(logical_id, "Ref"), self._attribute(logical_id, "Arn")
                read_raw_rule(name, arn, properties, functions, permitted, wiring)

    def _attribute(self, logical_id: str, name: str) -> str:
        """What Ref ("Ref") or GetAtt answers."""
        if logical_id == "ServerlessHttpApi":  # the API that SAM makes for routes that name none
            return "serverlesshttpapi"
        if logical_id not in self._resources:
            raise Unsupported(f"there is no {logical_id} to refer to")
        resource = self._resources[logical_id]
        kind = resource["Type"]
        if kind not in _NAMES:
            raise Unsupported(f"{logical_id}: references to {kind} are not known here")
        name_property, ref, arn = _NAMES[kind]
        given = resource.get("Properties", {}).get(name_property)
        physical = self._resolver.resolve(given) if given is not None else f"{STACK_NAME}-{logical_id}"
        parts = {"name": physical, "region": self._region, "account": self._account, "id": logical_id.lower()[:10]}
        answers = {
            "Ref": ref.format_map(parts),
            "Arn": arn.format_map(parts),
            f"{kind.split('::')[-1]}Name": physical,
        }
        if kind == "AWS::DynamoDB::Table":
            answers["StreamArn"] = answers["Arn"] + "/stream/playground"
        if kind == "AWS::SNS::Topic":
            answers["TopicArn"] = answers["Ref"]
        if kind == "AWS::SQS::Queue":
            answers["QueueUrl"] = answers["Ref"]
        if kind == "AWS::Serverless::HttpApi":
            answers["ApiEndpoint"] = f"https://{parts['id']}.execute-api.{self._region}.amazonaws.com"
        if not answers.get(name):
            raise Unsupported(f"{logical_id}.{name} is not known here")
        return answers[name]

    def _table(self, logical_id: str, properties: Properties) -> Table:
        name, arn = self._attribute(logical_id, "Ref"), self._attribute(logical_id, "Arn")
        properties.take("TableName", None)
        properties.expect("BillingMode", "PROVISIONED", "PAY_PER_REQUEST")
        create: dict[str, Any] = {"TableName": name, "BillingMode": "PAY_PER_REQUEST"}
        for required in ("KeySchema", "AttributeDefinitions"):
            create[required] = properties.take(required)
        indexes = properties.take("GlobalSecondaryIndexes", [])
        if indexes:
            create["GlobalSecondaryIndexes"] = indexes
        stream = properties.inside("StreamSpecification")
        view = stream.take("StreamViewType", "")
        stream.done()
        if view:
            create["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view}
        properties.done(*_TABLE_INERT)
        keys = {index["IndexName"]: _partition_key(index["KeySchema"]) for index in indexes}
        return Table(
            name=name,
            arn=arn,
            stream_arn=self._attribute(logical_id, "StreamArn") if view else "",
            partition_keys={"": _partition_key(create["KeySchema"]), **keys},
            create=create,
        )

    def _secret(self, logical_id: str, properties: Properties) -> Secret:
        name = properties.take("Name", f"{STACK_NAME}-{logical_id}")
        value = properties.take("SecretString")
        properties.done("Description", "Tags", "KmsKeyId")
        return Secret(name=name, arn=self._attribute(logical_id, "Ref"), value=value)

    def _queue(self, logical_id: str, properties: Properties) -> Queue:
        properties.take("QueueName", None)
        properties.expect("FifoQueue", False)
        properties.done(
            "MessageRetentionPeriod", "SqsManagedSseEnabled", "KmsMasterKeyId", "VisibilityTimeout", "Tags"
        )
        name, arn, url = (self._attribute(logical_id, part) for part in ("QueueName", "Arn", "Ref"))
        return Queue(name=name, arn=arn, url=url)

    def _outputs(self) -> dict[str, str]:
        outputs = {}
        for name, output in self._document.get("Outputs", {}).items():
            if "Condition" not in output or self._resolver.condition(output["Condition"]):
                outputs[name] = str(self._resolver.resolve(output["Value"]))
        return outputs


def _partition_key(schema: list[dict[str, str]]) -> str:
    return next(part["AttributeName"] for part in schema if part["KeyType"] == "HASH")
