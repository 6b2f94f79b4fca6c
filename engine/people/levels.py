"""The five levels of government a case passes, and how a region code tells them apart.

A region code is a prefix (DESIGN.md §3.2): 44 the province, 4414 a city, 441424 a county, 441424103 a town, 441424103205 a village.
Everything below a body is exactly the range of codes that begin with its code, so a jurisdiction is one index range.
"""

from __future__ import annotations

from enum import Enum


class Level(Enum):
    """A level of government; the value is the number of digits of its region codes."""

    VILLAGE = 12
    TOWNSHIP = 9
    COUNTY = 6
    CITY = 4
    PROVINCE = 2

    @property
    def lane(self) -> str:
        """The name of this level's lane in every drawing (BPMN.md A1)."""
        return _LANES[self]

    @property
    def digits(self) -> int:
        """How many digits a region code of this level has."""
        return self.value

    @classmethod
    def of_lane(cls, name: str) -> Level:
        """Return the level of a lane name such as 县级; KeyError for any other name."""
        return _BY_LANE[name]

    @classmethod
    def of_region(cls, code: str) -> Level:
        """Return the level of a region code by its length; ValueError for any other length."""
        return cls(len(code))

    def region_of(self, code: str) -> str:
        """Return the code of the body at this level above (or at) the place `code`."""
        if len(code) < self.digits:
            raise ValueError(f"Expected a place at or below {self.name}, found region {code}")
        return code[: self.digits]


_LANES = {
    Level.VILLAGE: "村级",
    Level.TOWNSHIP: "镇级",
    Level.COUNTY: "县级",
    Level.CITY: "市级",
    Level.PROVINCE: "省级",
}
_BY_LANE = {lane: level for level, lane in _LANES.items()}


def within(region: str, jurisdiction: str) -> bool:
    """Say whether a region lies in a jurisdiction: its code begins with the jurisdiction's code."""
    return region.startswith(jurisdiction)
