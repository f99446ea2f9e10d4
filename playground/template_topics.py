"""SNS topics and who may publish to them, as far as their policies are of the one kind known here."""

from collections.abc import Mapping, Set

from playground.errors import Unsupported
from playground.properties import Properties, as_list
from playground.stack import Topic

Publisher = tuple[str, str, str]  # topic ARN, service principal, the account it must act for


def read_publishers(policy: Properties) -> set[Publisher]:
    """Whom an AWS::SNS::TopicPolicy lets publish. Raises Unsupported for any other kind of statement."""
    topics = set(as_list(policy.take("Topics")))
    document = policy.inside("PolicyDocument")
    found = set()
    for entry in as_list(document.take("Statement")):
        statement = Properties(f"{policy.where}.Statement", entry)
        statement.expect("Effect", "Allow")
        statement.expect("Action", "sns:Publish")
        principal, condition = statement.inside("Principal"), statement.inside("Condition")
        equals = condition.inside("StringEquals")
        service, account = principal.take("Service"), equals.take("aws:SourceAccount")
        resource = statement.take("Resource")
        for part in (principal, equals, condition):
            part.done()
        statement.done("Sid")
        if resource not in topics:
            raise Unsupported(f"{policy.where}: {resource} is none of the policy's topics")
        found.add((resource, service, account))
    document.done("Version")
    policy.done()
    return found


def read_topics(names: Mapping[str, str], publishers: Set[Publisher]) -> tuple[Topic, ...]:
    """`names`: ARN → name."""
    return tuple(
        Topic(name, arn, frozenset((service, account) for topic, service, account in publishers if topic == arn))
        for arn, name in names.items()
    )
