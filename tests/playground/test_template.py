"""Reading templates: the toy's and the real one as they are, and every construct that is not known said aloud."""

import textwrap
from datetime import timedelta
from pathlib import Path

import pytest

from playground.errors import Unsupported
from playground.stack import Route, Stack
from playground.template import load
from tests.playground.cloud.conftest import TOY

REAL = Path(__file__).parent.parent.parent / "template.yaml"
SLACK = {"SlackBotToken": "xoxb-1", "SlackSigningSecret": "abcdefgh", "SlackChannel": "C0DEPLOYS"}

FUNCTION = """
    Resources:
      Fn:
        Type: AWS::Serverless::Function
        Properties:
          Handler: a.b
"""


@pytest.fixture
def toy() -> Stack:
    return load(TOY, {"Greeting": "hello", "Times": "4"})


def write(directory: Path, text: str) -> Path:
    path = directory / "template.yaml"
    path.write_text(textwrap.dedent(text))
    return path


def test_functions_have_what_the_template_and_its_globals_give_them(toy: Stack) -> None:
    reader = toy.functions["ReaderFunction"]
    assert reader.environment == {
        "TABLE_NAME": "allclear-Things",
        "GREETING": "hello",
        "TOKEN_ARN": toy.secrets[0].arn,
        "VOICE": "soft",
        "QUIET": "1",
        "TIMES": "4",
    }
    assert (reader.handler, reader.timeout, reader.code) == ("toys.read", timedelta(seconds=5), TOY.parent)
    assert toy.functions["WebFunction"].timeout == timedelta(seconds=1)


def test_conditions_decide_values_and_resources() -> None:
    loud = load(TOY, {"Greeting": "hello", "Loud": "yes"}).functions["ReaderFunction"].environment
    assert loud["VOICE"] == "loud"
    assert "QUIET" not in loud


def test_everything_that_invokes_a_function_is_found(toy: Stack) -> None:
    assert [(rule.function, rule.pattern["source"]) for rule in toy.rules] == [
        ("WriterFunction", ["toy"]),
        ("WebFunction", ["toy.web"]),
    ]
    assert [(item.function, item.every) for item in toy.schedules] == [("ClockFunction", timedelta(minutes=1))]
    assert toy.routes == (Route("POST", "/ask", "WebFunction"),)
    (mapping,) = toy.stream_mappings
    assert (mapping.batch_size, mapping.max_retries, mapping.bisect, mapping.reports_failures) == (
        4,
        2,
        True,
        True,
    )
    assert mapping.on_failure == "arn:aws:sqs:us-east-1:123456789012:allclear-FailedRecords"
    assert toy.functions["WriterFunction"].on_failure == "arn:aws:sqs:us-east-1:123456789012:allclear-FailedEvents"


def test_outputs_are_resolved(toy: Stack) -> None:
    assert toy.outputs == {"Url": "https://api.execute-api.us-east-1.amazonaws.com/ask", "Second": "b"}


@pytest.mark.parametrize("name", ["WebFunction", "allclear-WebFunction", "toys.answer"])
def test_a_function_is_found_by_any_of_its_names(toy: Stack, name: str) -> None:
    assert toy.function(name).logical_id == "WebFunction"


def test_the_real_template_is_read_whole() -> None:
    stack = load(REAL, SLACK)
    names = ["pipeline_event", "health_event", "slack_request", "gate", "sweep", "resume", "notify"]
    assert {stack.function(name).handler for name in names} == {f"handlers.{name}.handler" for name in names}
    assert len(stack.functions) == len(names)
    assert all(function.statements for function in stack.functions.values())
    assert {mapping.function for mapping in stack.stream_mappings} == {"ResumeFunction", "NotifyFunction"}
    assert [route.path for route in stack.routes] == ["/slack/events"]
    assert [schedule.function for schedule in stack.schedules] == ["SweepFunction"]
    assert stack.function("sweep").environment["SETTLE_SECONDS"] == "300"


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({}, "Greeting"),
        ({"Greeting": "x", "Unheard": "y"}, "Unheard"),
        ({"Greeting": "x", "Loud": "perhaps"}, "Loud"),
        ({"Greeting": "x", "Times": "6"}, "Times"),
    ],
)
def test_parameters_are_held_to_their_declarations(parameters: dict[str, str], word: str) -> None:
    with pytest.raises(Unsupported, match=word):
        load(TOY, parameters)


@pytest.mark.parametrize(
    ("addition", "word"),
    [
        ("Runtme: python3.13", "Runtme"),
        ("Layers: [x]", "Layers"),
        ("VpcConfig: {SubnetIds: [x]}", "VpcConfig"),
        ("Policies: [{DynamoDBCrudPolicy: {TableName: x}}]", "DynamoDBCrudPolicy"),
        ("Policies: [AmazonDynamoDBFullAccess]", "AmazonDynamoDBFullAccess"),
        ("Policies: [{Statement: [{Effect: Allow, NotAction: 'a:b', Resource: '*'}]}]", "needs Action"),
        (
            "Policies: [{Statement: {Effect: Allow, Action: 'a:b', Resource: x, Condition: {IpAddress: {x: y}}}}]",
            "IpAddress",
        ),
        (
            "Policies: [{Statement: {Effect: Allow, Action: 'a:b', Resource: '*', "
            "Condition: {'ForAllValues:StringEquals': {'aws:TagKeys': y}}}}]",
            "aws:TagKeys",
        ),
        ("Events: {E: {Type: Kinesis, Properties: {Stream: x}}}", "Kinesis"),
        ("Events: {E: {Type: Schedule, Properties: {Schedule: 'cron(0 * * * ? *)'}}}", "cron"),
        ("Events: {E: {Type: EventBridgeRule, Properties: {Pattern: {source: [{cidr: x}]}}}}", "cidr"),
        (
            "Events: {E: {Type: EventBridgeRule, Properties: {Pattern: {source: [x]}, InputPath: $.a}}}",
            "InputPath",
        ),
        ("Events: {E: {Type: HttpApi, Properties: {Path: /, Method: GET, PayloadFormatVersion: '1.0'}}}", "1.0"),
        (
            "Events: {E: {Type: DynamoDB, Properties: "
            "{Stream: x, StartingPosition: LATEST, TumblingWindowInSeconds: 9}}}",
            "TumblingWindowInSeconds",
        ),
        ("EventInvokeConfig: {DestinationConfig: {OnFailure: {Type: SNS, Destination: x}}}", "SNS"),
        ("EventInvokeConfig: {DestinationConfig: {OnSuccess: {Type: SQS, Destination: x}}}", "OnSuccess"),
        ("Environment: {Variables: {A: !ImportValue x}}", "Fn::ImportValue"),
        ("Environment: {Variables: {A: !Ref Nowhere}}", "Nowhere"),
        ("Environment: {Variables: {A: !GetAtt Fn.Version}}", "Fn.Version"),
        ("Environment: {Variables: {A: !Sub '${Nowhere.Arn}'}}", "Nowhere"),
        ("Environment: {Variables: {A: !If [Unheard, a, b]}}", "Unheard"),
    ],
)
def test_a_construct_that_is_not_known_is_named(tmp_path: Path, addition: str, word: str) -> None:
    load(write(tmp_path, FUNCTION))
    with pytest.raises(Unsupported, match=word):
        load(write(tmp_path, f"{FUNCTION}          {addition}\n"))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (
            "Resources: {T: {Type: AWS::SNS::Topic}, P: {Type: AWS::SNS::TopicPolicy, "
            "Properties: {Topics: [!Ref T], PolicyDocument: {Statement: [{Effect: Allow, Principal: '*', "
            "Action: 'sns:Publish', "
            "Resource: !Ref T}]}}}}",
            "Principal",
        ),
        (
            "Resources: {T: {Type: AWS::SNS::Topic}, P: {Type: AWS::SNS::TopicPolicy, "
            "Properties: {Topics: [!Ref T], PolicyDocument: {Statement: [{Effect: Allow, "
            "Principal: {Service: x}, Action: 'sns:Publish', "
            "Resource: !Ref T}]}}}}",
            "aws:SourceAccount",
        ),
        ("Resources: {T: {Type: AWS::SNS::Topic, Properties: {FifoTopic: true}}}", "FifoTopic"),
        ("Resources: {S: {Type: AWS::SNS::Subscription}}", "AWS::SNS::Subscription"),
        ("Mappings: {}\nResources: {}", "Mappings"),
        ("Resources: {R: {Type: AWS::S3::Bucket}}", "AWS::S3::Bucket"),
        ("Resources: {R: {Type: AWS::SQS::Queue, Propertys: {}}}", "Propertys"),
        ("Resources: {R: {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: {}}}}", "RedrivePolicy"),
        (
            "Resources: {R: {Type: AWS::SecretsManager::Secret, Properties: {GenerateSecretString: {}}}}",
            "SecretString",
        ),
        ("Resources: {R: {Type: AWS::Serverless::HttpApi, Properties: {StageName: v1}}}", "v1"),
        ("Globals: {Api: {}}\nResources: {}", "Api"),
        ("Parameters: {P: {Type: AWS::EC2::VPC::Id, Default: x}}\nResources: {}", "AWS::EC2::VPC::Id"),
    ],
)
def test_a_resource_or_section_that_is_not_known_is_named(tmp_path: Path, text: str, word: str) -> None:
    with pytest.raises(Unsupported, match=word):
        load(write(tmp_path, text))


def test_a_rule_made_by_hand_needs_a_permission_or_aws_drops_its_events(tmp_path: Path) -> None:
    rule = """
          Rule:
            Type: AWS::Events::Rule
            Properties:
              EventPattern: {source: [x]}
              Targets: [{Id: A, Arn: !GetAtt Fn.Arn}]
    """
    template = textwrap.dedent(FUNCTION) + textwrap.indent(textwrap.dedent(rule), "  ")
    with pytest.raises(Unsupported, match="AWS::Lambda::Permission"):
        load(write(tmp_path, template))
