from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.deadlines.seed import seed_calendar, seed_thresholds

if TYPE_CHECKING:
    from engine.deadlines.calendar import WorkingCalendar
    from engine.deadlines.stages import Thresholds


@pytest.fixture(scope="session")
def calendar() -> WorkingCalendar:
    return seed_calendar()


@pytest.fixture(scope="session")
def thresholds() -> Thresholds:
    return seed_thresholds()
