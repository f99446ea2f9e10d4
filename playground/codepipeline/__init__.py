"""A stand-in for AWS CodePipeline: executions that run, fail, wait, are overtaken, stopped and retried."""

from playground.codepipeline.api import CodePipeline
from playground.codepipeline.model import Action, Rule, Stage

__all__ = ["Action", "CodePipeline", "Rule", "Stage"]
