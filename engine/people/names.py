"""Names of people: their pinyin initials, by which lists are searched, and made-up ones for test data.

Nobody's name is written here: a made-up name is a surname common in the Hakka counties and one or two characters drawn from lists
that were common in the generation concerned. Chance may hit a living person's name, which is why every such person is marked as test
data where stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

_MAX_INITIALS = 16

# As surnames these are read otherwise than as words; pypinyin knows only the words.
_SURNAME_INITIALS = {
    "曾": "z", "单": "s", "解": "x", "仇": "q", "区": "o", "查": "z", "尉": "y", "覃": "q", "乐": "y", "翟": "z", "冼": "x", "缪": "m",
    "任": "r", "华": "h", "种": "c", "朴": "p", "盖": "g", "繁": "p", "员": "y", "召": "s", "重": "c", "谌": "c", "宓": "m", "祭": "z",
}  # fmt: skip

_SURNAMES = "李张陈黄曾钟古温廖刘魏周邓胡吴叶邹赖罗林杨何谢郑朱宋江徐赵彭卢丘"
_SURNAME_WEIGHTS = (9, 9, 8, 8, 7, 7, 6, 5, 5, 5, 4, 4, 4, 3, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1)

_GIVEN = {
    ("M", "old"): ("伟国建德金水火明新木文福寿春荣运汉佛添胜", "生华发祥明昌才荣兴安清林泉辉财贵根粦东元"),
    ("F", "old"): ("秀玉桂梅凤金兰菊银带娣三运春彩伟亚冬莲云", "英兰招娣梅香珍妹芳莲娇琴凤群连嫦友花玲云"),
    ("M", "middle"): ("志伟建国俊文小永海剑锋振雄宏立新思惠育远", "强明辉平军峰华涛彬雄威锋良文才浩波勇斌扬"),
    ("F", "middle"): ("丽小秋春惠海雪燕晓艳美婷素红玉巧洁莹佩思", "霞芬玲萍珍丽梅燕琼红娟芳婷敏兰香媚苑琳英"),
    ("M", "young"): ("宇子浩梓嘉俊俊泽锦家伟志展鹏凯博睿思铭柏", "轩豪然杰涛霖鑫辉洋宇彬铭熙乐楠恒毅诚锋翔"),
    ("F", "young"): ("梓诗欣雨思嘉佳晓子可语紫雅静芷婉若琪楚依", "涵琪彤怡萱婷妍颖琳莹瑶桐欣然雯悦曼晴薇敏"),
}
_MIDDLE_AGE = 30
_OLD_AGE = 55
_SHARE_OF_SHORT_NAMES = 0.08


def initials(name: str) -> str:
    """Return the pinyin initials of a name in small letters, as one types them to search: 曾桂兰 gives zgl."""
    # Imported here: the dictionary behind it takes its time, and most commands never need it.
    from pypinyin import Style, lazy_pinyin

    letters = [
        _SURNAME_INITIALS.get(character, found[:1].lower()) if place == 0 else found[:1].lower()
        for place, (character, found) in enumerate(
            (character, lazy_pinyin(character, style=Style.FIRST_LETTER)[0])
            for character in name
            if character.isalnum()
        )
    ]
    return "".join(letter for letter in letters if letter.isascii())[:_MAX_INITIALS]


def made_up_surname(chance: random.Random) -> str:
    """Return a surname, the frequent ones more often."""
    return chance.choices(_SURNAMES, _SURNAME_WEIGHTS)[0]


def made_up_name(chance: random.Random, *, sex: str, age: int, surname: str = "") -> str:
    """Return a name such as somebody of that sex (M or F) and age might bear."""
    generation = "young" if age < _MIDDLE_AGE else "middle" if age < _OLD_AGE else "old"
    first, second = _GIVEN[sex, generation]
    given = (
        chance.choice(second)
        if chance.random() < _SHARE_OF_SHORT_NAMES
        else chance.choice(first) + chance.choice(second)
    )
    return (surname or made_up_surname(chance)) + given
