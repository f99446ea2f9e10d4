"""Seen through template.yaml and the handlers only: at the all-clear one goes first, then the others."""

from tests.outside.night import REGION, Night


def a_dozen_held(night: Night) -> tuple[list[str], str]:
    """Eleven production pipelines and one that is not, held by one issue."""
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    names = [f"web-{number:02d}" for number in range(11)]
    for name in names:
        night.pipeline(name, tags={"allclear:tier": "production"})
    night.pipeline("web-staging", tags={"allclear:tier": "staging"})
    names.append("web-staging")
    for name in names:
        night.broken.add(name)
        night.cloud.codepipeline.start(name)
    night.wait(5)
    assert {night.title(name).rpartition(": ")[2] for name in names} == {"held"}
    return names, issue


def test_of_a_dozen_the_one_that_is_not_production_goes_first(night: Night) -> None:
    """While it runs, nothing else is retried; when it has recovered, all others follow, each once."""
    names, issue = a_dozen_held(night)
    night.broken.clear()
    night.cloud.health.close(issue)
    night.wait(10, until=lambda: any(night.asked(name) for name in names))
    assert [name for name in names if night.asked(name)] == ["web-staging"]
    night.wait(20, until=lambda: sum(night.asked(name) for name in names) > 1)
    assert night.title("web-staging") == "web-staging → Deploy: recovered", "the others waited for it"
    night.wait(8)
    assert {name: (night.asked(name), night.accepted(name)) for name in names} == dict.fromkeys(names, (1, 1))
    assert {night.title(name).rpartition(": ")[2] for name in names} == {"recovered"}


def test_a_second_wave_meets_the_canary_alone(night: Night) -> None:
    """AWS closes one issue, the service fails on, and another is opened: only one deploy ran into it."""
    names, issue = a_dozen_held(night)
    night.cloud.health.close(issue)
    night.wait(10, until=lambda: any(night.asked(name) for name in names))
    second = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.wait(60)
    assert {name for name in names if night.asked(name)} == {"web-staging"}
    assert {night.title(name).rpartition(": ")[2] for name in names} == {"held"}
    night.broken.clear()
    night.cloud.health.close(second)
    night.wait(30)
    assert {name: night.accepted(name) for name in names} == {**dict.fromkeys(names, 1), "web-staging": 2}
    assert {night.title(name).rpartition(": ")[2] for name in names} == {"recovered"}
