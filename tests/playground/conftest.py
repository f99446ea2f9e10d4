"""Fixtures of the CodePipeline stand-in's three test files."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from tests.playground.aws_server import client_of
from tests.playground.codepipeline_play import NOON, Play


@pytest.fixture
def play() -> Iterator[Play]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield Play(traveller)


@pytest.fixture
def client(play: Play) -> Iterator[Any]:
    with client_of("codepipeline", play.cp) as made:
        yield made
