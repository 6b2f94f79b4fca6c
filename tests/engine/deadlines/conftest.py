from __future__ import annotations

import pytest

from engine.deadlines.calendar import WorkingCalendar
from engine.deadlines.seed import seed_calendar, seed_thresholds
from engine.deadlines.stages import Thresholds


@pytest.fixture(scope="session")
def calendar() -> WorkingCalendar:
    return seed_calendar()


@pytest.fixture(scope="session")
def thresholds() -> Thresholds:
    return seed_thresholds()
