"""The deploys of one episode: made to meet its troubles, or to be mistaken for theirs. Each says why it fails.

How many deploys an incident breaks is invented; when they can break is the record's. A deploy that AWS broke fails
at every attempt that ends inside the impact of a trouble that concerns it: the harshest reading of "errors".
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from tests.replay.record import EVERYWHERE, HOME, MINUTE, Episode, Trouble

HOUR = timedelta(hours=1)
ELSEWHERE = ("eu-north-1", "us-west-2", "ap-south-1")


class Why(StrEnum):
    """Why a deploy fails, as the script decides it."""

    AWS = "AWS"  # a trouble; passes once that is over
    CONFIGURATION = "own: configuration"
    PERMISSION = "own: permission"
    TEST = "own: a test"
    APPROVAL = "own: rejected"
    ANOTHER_PLACE = "another Region"
    ANOTHER_SERVICE = "another service"
    BEFORE = "long before"
    AFTER = "after the close"
    DISGUISED = (
        "own, in disguise"  # on a troubled service, meanwhile, and with the same words: nothing tells it apart
    )
    NOTHING = "passes"


OWN = (Why.CONFIGURATION, Why.PERMISSION, Why.TEST, Why.APPROVAL)


@dataclass(frozen=True, slots=True)
class Way:
    """By what a deploy can break: its action, and what of AWS that stands on."""

    provider: str
    stands_on: frozenset[str]
    category: str = "Deploy"
    resource: str = ""  # the CloudFormation resource that fails
    phase: str = ""  # the CodeBuild phase that fails, by CodeBuild's own fault


@dataclass(frozen=True, slots=True)
class Deploy:
    """One pipeline with one commit, and the script of how it goes."""

    pipeline: str
    region: str
    why: Why
    way: Way
    fails_at: datetime  # when its first attempt ends; with a gate, when the gate is asked
    gate: str = ""  # fail or wait
    gate_services: tuple[str, ...] = ()
    then_own: bool = False  # once AWS is well again, its own configuration proves to be wrong
    newer_after: timedelta | None = None  # another commit comes this long after the failure
    production: bool = False


def _native(provider: str, *services: str) -> Way:
    return Way(provider, frozenset(services))


BUILD = Way("CodeBuild", frozenset({"CODEBUILD", "EC2", "ECR"}), "Build", phase="PROVISIONING")
NATIVE = (
    _native("ECS", "ECS"),
    _native("CodeDeploy", "CODEDEPLOY"),
    _native("Lambda", "LAMBDA"),
    _native("S3", "S3"),
    _native("ElasticBeanstalk", "ELASTICBEANSTALK"),
    _native("ECR", "ECR"),
    _native("CodeCommit", "CODECOMMIT"),
    _native("EKS", "EKS"),
    _native("CloudFormation", "CLOUDFORMATION"),
    BUILD,
)
RESOURCES = {
    "ACM": "CertificateManager::Certificate",
    "APIGATEWAY": "ApiGateway::Deployment",
    "APPSYNC": "AppSync::GraphQLApi",
    "ATHENA": "Athena::WorkGroup",
    "AUTOSCALING": "AutoScaling::AutoScalingGroup",
    "BACKUP": "Backup::BackupPlan",
    "BATCH": "Batch::JobQueue",
    "CLOUD9": "Cloud9::EnvironmentEC2",
    "CLOUDFRONT": "CloudFront::Distribution",
    "CLOUDWATCH": "CloudWatch::Alarm",
    "COGNITO": "Cognito::UserPool",
    "DIRECTORYSERVICE": "DirectoryService::MicrosoftAD",
    "DYNAMODB": "DynamoDB::Table",
    "EC2": "EC2::Instance",
    "ECS": "ECS::Service",
    "EKS": "EKS::Cluster",
    "ELASTICACHE": "ElastiCache::ReplicationGroup",
    "ELASTICFILESYSTEM": "EFS::FileSystem",
    "ELASTICLOADBALANCING": "ElasticLoadBalancingV2::LoadBalancer",
    "ES": "Elasticsearch::Domain",
    "EMR": "EMR::Cluster",
    "EVENTS": "Events::Rule",
    "FIREHOSE": "KinesisFirehose::DeliveryStream",
    "GLUE": "Glue::Job",
    "IAM": "IAM::Role",
    "IOT": "IoT::TopicRule",
    "KINESIS": "Kinesis::Stream",
    "KINESISANALYTICS": "KinesisAnalyticsV2::Application",
    "KMS": "KMS::Key",
    "LAMBDA": "Lambda::Function",
    "MQ": "AmazonMQ::Broker",
    "NATGATEWAY": "EC2::NatGateway",
    "PRIVATELINK": "EC2::VPCEndpoint",
    "RDS": "RDS::DBInstance",
    "REDSHIFT": "Redshift::Cluster",
    "ROUTE53": "Route53::RecordSet",
    "ROUTE53RESOLVER": "Route53Resolver::ResolverEndpoint",
    "S3": "S3::Bucket",
    "SAGEMAKER": "SageMaker::Endpoint",
    "SECRETSMANAGER": "SecretsManager::Secret",
    "SES": "SES::ConfigurationSet",
    "SNS": "SNS::Topic",
    "SQS": "SQS::Queue",
    "SSM": "SSM::Parameter",
    "SSO": "SSO::Assignment",
    "VPC": "EC2::VPC",
    "WAF": "WAFv2::WebACL",
    "WORKSPACES": "WorkSpaces::Workspace",
    "XRAY": "XRay::Group",
}  # service: one of its resource types, without AWS::

ON_EC2 = ("AUTOSCALING", "NATGATEWAY", "PRIVATELINK", "VPC")  # made by EC2's API, or of EC2's instances


def ways_of(service: str) -> tuple[Way, ...]:
    """How trouble of this service breaks deploys; none where it breaks none."""
    if service in EVERYWHERE:
        return NATIVE
    found = [way for way in NATIVE if service in way.stands_on]
    if service in RESOURCES:
        below = {"EC2"} if service in ON_EC2 else set()
        services = frozenset({"CLOUDFORMATION", service, *below})
        found.append(Way("CloudFormation", services, resource=RESOURCES[service]))
    return tuple(found)


@dataclass(slots=True)
class Fleet:
    """What is deployed during one episode, in the order in which it was thought of."""

    episode: Episode
    deploys: list[Deploy] = field(default_factory=list)

    def add(self, name: str, region: str, why: Why, way: Way, fails_at: datetime, **more: object) -> None:
        pipeline = f"{len(self.deploys) + 1:02d}-{name.lower().replace('_', '-')}"
        self.deploys.append(Deploy(pipeline, region, why, way, fails_at, **more))  # type: ignore[arg-type]

    def untroubled(self, region: str) -> Way | None:
        """Something that none of the episode's troubles concerns in this Region."""
        for way in NATIVE:
            if not any(trouble.concerns(region, way.stands_on) for trouble in self.episode.troubles):
                return way
        return None


def fleet_of(episode: Episode) -> tuple[Deploy, ...]:
    """Its deploys: the same ones each time."""
    fleet = Fleet(episode)
    for trouble in episode.troubles:
        region = HOME if trouble.region == "global" else trouble.region
        ways = () if trouble.harmless else ways_of(trouble.service)
        if ways:
            _broken(fleet, trouble, region, ways)
            _disguised(fleet, trouble, region, ways[0])
    first = episode.troubles[0]
    _bystanders(fleet, first, HOME if first.region == "global" else first.region)
    return tuple(fleet.deploys)


def _times(trouble: Trouble) -> Iterator[datetime]:
    """Three before the notice, a handful within minutes after it, one late: as far as it hurts then."""
    notice, end = trouble.opened_at, trouble.impact[-1][1] or trouble.opened_at + 30 * HOUR
    before = min(notice, end) - trouble.began_at
    if before > 10 * MINUTE:
        yield from (trouble.began_at + before * part for part in (0.1, 0.5, 0.9))
    until = min(end, trouble.closed_at or end)
    yield from (notice + minutes * MINUTE for minutes in (3, 4, 5, 7))
    if until - notice > 30 * MINUTE:
        yield notice + (until - notice) * 0.8


def _broken(fleet: Fleet, trouble: Trouble, region: str, ways: tuple[Way, ...]) -> None:
    """Those that the trouble breaks, and those that its gate keeps from it."""
    times = [at for at in _times(trouble) if trouble.hurts_at(at)]
    for number, at in enumerate(times):
        name = f"{trouble.service}-{'early' if at < trouble.opened_at else 'open'}"
        newer = 20 * MINUTE if number == 4 else None
        fleet.add(
            name, region, Why.AWS, ways[number % len(ways)], at,
            then_own=number == 3, newer_after=newer, production=number % 2 == 0,
        )  # fmt: skip
    asked_at = trouble.opened_at + 9 * MINUTE
    if region == fleet.episode.home and trouble.open_at(asked_at + 3 * MINUTE):  # a gate is a function there
        for mode in ("fail", "wait"):
            fleet.add(f"{trouble.service}-gate-{mode}", region, Why.AWS, ways[0], asked_at, gate=mode)


def _disguised(fleet: Fleet, trouble: Trouble, region: str, way: Way) -> None:
    early = trouble.began_at + (trouble.opened_at - trouble.began_at) * 0.3
    for at in (early, trouble.opened_at + 6 * MINUTE):
        if trouble.began_at <= at and trouble.open_at(max(at, trouble.opened_at)):
            fleet.add("disguised", region, Why.DISGUISED, way, at)


def _bystanders(fleet: Fleet, trouble: Trouble, region: str) -> None:
    """What fails for its own reasons in the same Region meanwhile, and elsewhere for the same service."""
    episode = fleet.episode
    way = (ways_of(trouble.service) or NATIVE)[0]
    meanwhile = trouble.opened_at + 2 * MINUTE
    for why in OWN:
        fleet.add(why.split()[-1], region, why, way, meanwhile)
    for place in ELSEWHERE:
        if not any(other.concerns(place, way.stands_on) for other in episode.troubles):
            fleet.add("elsewhere", place, Why.ANOTHER_PLACE, way, meanwhile)
            break
    untroubled = fleet.untroubled(region)
    if untroubled is not None:
        fleet.add("other-service", region, Why.ANOTHER_SERVICE, untroubled, meanwhile)
    if untroubled is not None and region == episode.home:
        services = tuple(sorted(untroubled.stands_on))
        fleet.add(
            "narrow-gate", region, Why.NOTHING, untroubled, meanwhile + 8 * MINUTE,
            gate="fail", gate_services=services,
        )  # fmt: skip
    fleet.add("before", region, Why.BEFORE, way, episode.began_at - 3 * HOUR)
    ends = [each.closed_at for each in episode.troubles if each.closed_at]
    if len(ends) == len(episode.troubles):
        fleet.add("after", region, Why.AFTER, way, max(ends) + 40 * MINUTE)
