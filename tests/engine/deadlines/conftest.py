from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from engine.deadlines.seed import seed_calendar, seed_thresholds

if TYPE_CHECKING:
    from engine.deadlines.calendar import WorkingCalendar
    from engine.deadlines.stages import Thresholds


# A busy machine is not a defect: time is measured in bench/, never in tests.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def calendar() -> WorkingCalendar:
    return seed_calendar()


@pytest.fixture(scope="session")
def thresholds() -> Thresholds:
    return seed_thresholds()
