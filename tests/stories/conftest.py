"""The world of the stories: a small county on each database."""

from __future__ import annotations

import pytest

from tests.world import World


@pytest.fixture
def world(database, clock, keyring):
    return World(database, clock, keyring)
