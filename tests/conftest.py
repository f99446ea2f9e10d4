"""Property tests are the same in every run, so that a red run is a change's doing. To look for more:

HYPOTHESIS_PROFILE=explore .venv/bin/pytest tests
"""

import os

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=1_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that play a local cloud first: processes that share the tests then do not wait for a late long one."""
    items.sort(key=lambda item: "/tests/outside/" not in item.path.as_posix())
