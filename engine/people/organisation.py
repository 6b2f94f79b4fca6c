"""Which posts exist, at which level, how their bodies are called, who leads them and who supervises them (DOMAIN.md B0.1).

All of it is read from workflows/organisation.json, because bodies change their names and duties move between them (medical assistance
went from civil affairs to the medical security bureau): that must be an edit, not a release. A role here is a code such as TWN_CIVIL;
who holds it where is a post, see :mod:`engine.people.posts`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import BadDefinition, Finding, Message
from engine.people.levels import Level

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE_NAME = "organisation.json"


@dataclass(frozen=True, slots=True)
class Role:
    """A kind of post: its level, its title, the body it belongs to and the office above that supervises it."""

    code: str
    level: Level
    title: Message
    body: Message
    """The body's name with {place} for the name of its jurisdiction."""
    upper: str | None
    """The role one level up that supervises this one; None where nobody does."""
    leads: bool = False
    """Whether this post leads the bodies of its level."""

    def body_in(self, place: str) -> Message:
        """Return the body's name in a place: 华城镇民政办."""
        pattern = self.body.zh
        if self.level is Level.VILLAGE and not place.endswith("村"):
            # Townspeople have a residents' committee: 新亨村民委员会, but 东区社区居民委员会.
            pattern = pattern.replace("{place}民委员会", "{place}居民委员会")
        return Message(pattern.replace("{place}", place), self.body.en.replace("{place}", place))


@dataclass(frozen=True, slots=True)
class Organisation:
    """Every role, and the order among them."""

    roles: Mapping[str, Role]
    leaders: Mapping[Level, str]

    @classmethod
    def from_folder(cls, workflows: Path) -> Organisation:
        """Read organisation.json in the folder of drawings."""
        return cls.read((workflows / FILE_NAME).read_bytes())

    @classmethod
    def read(cls, content: bytes) -> Organisation:
        """Read the file's content; BadDefinition names every role that makes no sense."""
        roles: dict[str, Role] = {}
        leaders: dict[Level, str] = {}
        findings: list[Finding] = []
        for entry in json.loads(content)["roles"]:
            try:
                role = _role(entry)
            except (KeyError, ValueError) as error:
                findings.append(
                    _finding(str(entry.get("code", "?")), f"has no usable {error}", f"缺少或不能识别 {error}")
                )
                continue
            if role.code in roles:
                findings.append(_finding(role.code, "is listed twice", "重复"))
            roles[role.code] = role
            if role.leads:
                if role.level in leaders:
                    findings.append(
                        _finding(role.code, f"leads a level that {leaders[role.level]} leads", "与他人同为本级负责人")
                    )
                leaders[role.level] = role.code
        findings += [
            _finding(role.code, f"is supervised by {role.upper}, which is no role", f"上级 {role.upper} 不存在")
            for role in roles.values()
            if role.upper is not None and role.upper not in roles
        ]
        findings += [
            _finding(
                role.code, f"is supervised by {role.upper}, which is not above it", f"上级 {role.upper} 不高于本级"
            )
            for role in roles.values()
            if role.upper in roles and roles[role.upper].level.digits >= role.level.digits
        ]
        findings += [
            _finding(level.lane, "has no leading post", "没有本级负责人") for level in Level if level not in leaders
        ]
        if findings:
            raise BadDefinition(findings)
        return cls(roles, leaders)

    def role(self, code: str) -> Role:
        """Return a role; KeyError for a code that is none."""
        return self.roles[code]

    def title(self, code: str) -> Message:
        """Return a role's title; a role that is gone from the file is shown by its code, so that old cases stay readable."""
        found = self.roles.get(code)
        return found.title if found is not None else Message(code, code)

    def leader_of(self, level: Level) -> str:
        """Return the role that leads the bodies of a level: who takes over at the red card (DOMAIN.md B0.6)."""
        return self.leaders[level]

    def supervisor_at(self, level: Level, role: str) -> str | None:
        """Return the role at a higher level that supervises a role, followed upwards office by office; None where there is none."""
        above = self.roles.get(role)
        while above is not None and above.upper is not None:
            above = self.roles[above.upper]
            if above.level is level:
                return above.code
            if above.level.digits <= level.digits:
                return None
        return None


def _role(entry: Mapping[str, Any]) -> Role:
    return Role(
        code=entry["code"],
        level=Level[entry["level"]],
        title=Message(entry["zh"], entry["en"]),
        body=Message(entry["body"]["zh"], entry["body"]["en"]),
        upper=entry.get("upper"),
        leads=bool(entry.get("leads", False)),
    )


def _finding(role: str, en: str, zh: str) -> Finding:
    return Finding(FILE_NAME, 0, role, "organisation", Message(f"岗位 {role}:{zh}", f"The role {role} {en}."))
