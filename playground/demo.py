"""`make demo`: a night in us-east-1, from blocked to resumed, on the local cloud that runs template.yaml itself.

Two deploys: one dies in CloudFormation before AWS says anything, one is stopped by its health gate. Nobody touches
them. The demo succeeds only if each recovered with exactly one retry, and says which of its checks failed if not.

`make demo SCENARIO=name` tells another story (playground/scenarios).
"""

import sys
from datetime import timedelta

from rich.console import Console
from rich.text import Text

from playground.scenarios import SCENARIOS
from playground.scenery import CHANNEL, REGION, START, Outage, deploy, health_gate, source
from playground.storytelling import Check, Scenario, Story, perform


def play(story: Story) -> list[Check]:
    """The night itself; answers what was checked at the end and whether it holds."""
    cloud = story.cloud
    pipelines, health = cloud.codepipeline, cloud.health
    pipelines.create_pipeline("orders", REGION, [source(), health_gate(cloud, "orders"), deploy(minutes=10)])
    pipelines.create_pipeline("web", REGION, [source(), health_gate(cloud, "web"), deploy(minutes=6)])
    outage = Outage(cloud, "orders")

    story.wait(START + timedelta(minutes=8))
    orders = pipelines.start("orders", revision_summary="Upgrade the orders database", author="Ana")
    story.tell("CodePipeline", "orders starts. Its health gate looks at AWS Health: nothing is open.", "blue")
    story.wait(START + timedelta(minutes=20))

    story.wait(START + timedelta(minutes=31))
    issue = health.open_issue(
        "CLOUDFORMATION",
        REGION,
        start_at=START + timedelta(minutes=5),
        description="We are investigating increased error rates in the US-EAST-1 Region.",
    )
    story.tell("AWS Health", "opens an issue: CLOUDFORMATION in us-east-1, since 02:05.", "red")
    story.wait(START + timedelta(minutes=40))

    web = pipelines.start("web", revision_summary="Change the greeting", author="Ben")
    story.tell("CodePipeline", "web starts. Its health gate finds the open issue.", "blue")
    story.wait(START + timedelta(hours=2, minutes=55))

    health.update(issue, "[RESOLVED] We continue to see recovery.", endTime="Tue, 24 Nov 2026 04:40:00 GMT")
    story.tell("AWS Health", "says [RESOLVED] and states an end time, but the status code stays open.", "red")
    story.wait(START + timedelta(hours=3, minutes=5))
    held = not pipelines.retries
    story.tell("Allclear", "keeps waiting: only the status code closes an issue.", "green")

    outage.lasts = False
    story.wait(START + timedelta(hours=3, minutes=10))
    health.close(issue)
    story.tell("AWS Health", "closes the issue.", "red")
    recovered = lambda: (pipelines.status("orders", orders), pipelines.status("web", web)) == ("Succeeded",) * 2  # noqa: E731
    story.wait(START + timedelta(hours=4), stop=recovered)
    story.wait(cloud.now + timedelta(minutes=2))

    accepted = [retry.pipeline for retry in pipelines.retries if retry.accepted]
    messages = cloud.slack.messages(CHANNEL)
    return [
        ("no retry while the issue was open", held),
        ("orders recovered", pipelines.stage_status("orders", "Deploy", orders) == "Succeeded"),
        ("web recovered", pipelines.stage_status("web", "Deploy", web) == "Succeeded"),
        ("exactly one retry of each", sorted(accepted) == ["orders", "web"] and len(pipelines.retries) == 2),
        ("one card each", len(messages) == 2),
        ("no buttons left on the cards", not any(message.buttons for message in messages)),
        ("nothing in a failure queue", not cloud.failures()),
    ]


NIGHT = Scenario("a night in us-east-1", "the whole story, from blocked to resumed", play)


def main(arguments: list[str], console: Console) -> int:
    """Play the night, or the scenario that is named; answers the exit status."""
    name = "".join(arguments)
    if not name or name in SCENARIOS:
        return perform(SCENARIOS.get(name, NIGHT), console)
    if name != "help":
        console.print(Text(f"There is no scenario {name}."))
    console.print(Text(f"make demo tells {NIGHT.summary}. Other stories:"))
    for known, scenario in SCENARIOS.items():
        console.print(Text(f"  make demo SCENARIO={known:<18} {scenario.summary}"), soft_wrap=True)
    return 0 if name == "help" else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Console(highlight=False)))
