"""What households bring to the village: hospital bills, ordinary and awkward ones.

Some bills are made so that the aid comes out at a limit or a fen beside it (30,000 and 50,000 yuan, DOMAIN.md B3 step 7); some
settlements have been handed in before; some patients have died, and an heir comes. Whether anything of that is right is for the
engine and for the people to say.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence
    from datetime import date

# Costs borne by the household that bring the aid to 29,999.99, 30,000.00, 50,000.00 and 50,000.01 yuan, by category.
_AT_THE_LIMITS: Mapping[str, Sequence[int]] = {
    "TK": (2999999, 3000000, 5000000, 5000001),
    "DB": (3749999, 3750000, 6250000, 6250002),
    "JD": (4285712, 4285714, 7142857, 7142858),
}
_HOSPITALS = (
    ("县人民医院", "COUNTY"),
    ("镇中心卫生院", "TOWNSHIP"),
    ("市人民医院", "CITY"),
    ("省人民医院", "PROVINCE"),
    ("县中医院", "COUNTY"),
)
_DIAGNOSES = ("肺炎", "骨折", "脑梗死", "慢性肾病", "冠心病", "糖尿病", "肝硬化", "白内障")
_RELATIONS = ("SPOUSE", "CHILD", "PARENT", "OTHER")


def bill(
    whim: random.Random, *, household: Mapping[str, Any], patient: Mapping[str, Any], today: date, used: Sequence[str]
) -> dict[str, Any]:
    """Return the typed values of an application: money in fen, days as ISO text.

    `household` and `patient` are what the form that opens a case shows of them; `used` are settlement numbers handed in before.
    """
    discharged = today - timedelta(days=whim.randint(3, 60))
    if patient["died_on"]:
        discharged = min(discharged, _day_before(patient["died_on"], whim))
    admitted = discharged - timedelta(days=whim.randint(1, 25))
    hospital, level = whim.choice(_HOSPITALS)
    number = f"JS{today:%Y%m%d}-{patient['person_no']}"
    if used and whim.random() < 0.05:  # noqa: PLR2004
        number = f" {whim.choice(used).lower()}"
    values: dict[str, Any] = {
        "aid_type": whim.choices(("INPATIENT", "SPECIAL", "TEMPORARY"), (80, 14, 6))[0],
        "insurance_kind": whim.choices(("RESIDENT", "EMPLOYEE", "NONE"), (92, 4, 4))[0],
        "hospital_name": hospital,
        "hospital_level": level,
        "hospital_designated": whim.random() < 0.95,  # noqa: PLR2004
        "admitted_on": admitted.isoformat(),
        "discharged_on": discharged.isoformat(),
        "disease_class": whim.choices(("ORDINARY", "SERIOUS"), (70, 30))[0],
        "diagnosis": whim.choice(_DIAGNOSES),
        "excluded_cause": whim.choices(("NONE", "THIRD_PARTY", "WORK_INJURY", "COSMETIC", "OTHER"), (95, 2, 1, 1, 1))[
            0
        ],
        "settlement_no": number,
        "invoice_no": f"FP{today:%Y%m%d}-{patient['person_no']}",
        **_costs(whim, str(household["category"])),
        "payee_is_heir": False,
    }
    if patient["died_on"] and whim.random() < 0.7:  # noqa: PLR2004
        values |= {"payee_is_heir": True, "payee_name": "继承人", "payee_relation": whim.choice(_RELATIONS)}
    return values


def _day_before(text: str, whim: random.Random) -> date:
    from datetime import date as day

    return day.fromisoformat(text) - timedelta(days=whim.randint(0, 5))


def _costs(whim: random.Random, category: str) -> dict[str, int]:
    names = ("noncompliant_fen", "basic_paid_fen", "serious_paid_fen", "other_paid_fen")
    if category in _AT_THE_LIMITS and whim.random() < 0.12:  # noqa: PLR2004
        return {"total_fen": whim.choice(_AT_THE_LIMITS[category]), **dict.fromkeys(names, 0)}
    total = int(10 ** whim.uniform(4.5, 7.3))
    shares = (whim.uniform(0, 0.1), whim.uniform(0.2, 0.65), whim.choice((0.0, 0.0, whim.uniform(0, 0.2))), 0.0)
    parts = [int(total * share) for share in shares]
    if whim.random() < 0.03:  # noqa: PLR2004
        # All of it was paid by the insurer: the case ends with nothing to pay.
        parts = [0, total, 0, 0]
    return {"total_fen": total, **dict(zip(names, parts, strict=True))}
