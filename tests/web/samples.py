"""The story of the pictures as the engine's own values: 29 November 2018, 10:42, a claim of 10,871.22 yuan at the county."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.errors import Message as W
from engine.people.actor import Actor
from engine.people.levels import Level
from engine.views import (
    ActionView,
    AttachmentView,
    BriefRow,
    BriefView,
    CaseView,
    Choice,
    FieldView,
    FilterCount,
    FrameView,
    HistoryView,
    InboxPage,
    InboxRow,
    LevelStep,
    LimitView,
    OpinionView,
    OutcomeView,
    SectionView,
    StepView,
    TaskView,
    TimelineEntry,
    WorkingTerm,
)


def at(month: int, day: int, hour: int = 17, minute: int = 30) -> datetime:
    """A moment on the clocks of China, in UTC."""
    return datetime(2018, month, day, hour - 8 if hour >= 8 else hour + 16, minute, tzinfo=UTC)


NOW = at(11, 29, 10, 42)
CLERK = Actor(7, "ab" * 32, "李文辉", "lwh-441424-07", 70, "CTY_CIVIL", "审批岗", "approver", "441424", "五华县民政局")


def limit(state: str, left: int, due: datetime, *, stage: str = "NONE", reason: W | None = None) -> LimitView:
    return LimitView(
        state,
        left,
        due,
        False,
        10,
        max(0, 10 - left),
        stage,
        reason,
        (
            W("11月19日 08:30 收到，次日起算", "Received 19 November, counted from the next day"),
            W("承诺 10 个工作日，公示与补正暂停 10 个工作日", "10 working days, stopped for 10"),
            W("应于 12月3日 17:30 前办结", "Due by 3 December 17:30"),
        ),
    )


def row(
    no: int,
    name: str,
    members: int,
    category: str,
    place: str,
    fen: int,
    when: LimitView,
    said: tuple[str, int, int, str],
    *,
    returns: int = 0,
    kind: str = "住院",
) -> InboxRow:
    return InboxRow(
        f"{no}-4",
        no,
        f"YL-441424-2018-{no:06d}",
        name,
        members,
        W(category, category and "registered poor"),
        f"五华县 {place}",
        W("县级审批", "County approval"),
        Level.COUNTY,
        W(kind, "inpatient"),
        fen,
        when,
        OpinionView(Level.TOWNSHIP, said[0], at(said[1], said[2], 16, 2), W("同意", "Agreed"), said[3]),
        returns,
        None,
        False,
        None,
    )


ROWS = (
    row(
        296,
        "古桂香",
        3,
        "低收入",
        "安流镇 福岭村",
        1248000,
        limit("red", -4, at(11, 23), stage="RED"),
        ("张秋萍", 10, 30, "已入户核对，情况属实。"),
    ),
    row(
        311,
        "魏国强",
        5,
        "建档立卡",
        "横陂镇 夏阜村",
        831645,
        limit("yellow", -2, at(11, 27), stage="YELLOW"),
        ("李志平", 11, 1, "补正齐全，同意上报。"),
        returns=1,
    ),
    row(
        327,
        "缪新娣",
        2,
        "特困供养",
        "龙村镇 睦贤村",
        800000,
        limit("today", 0, at(11, 29)),
        ("温国华", 11, 5, "符合特困全额救助。"),
    ),
    row(
        381,
        "曾桂兰",
        4,
        "建档立卡",
        "华城镇 新亨村",
        1087122,
        limit("near", 2, at(12, 3)),
        ("钟丽萍", 11, 6, "材料齐全，公示无异议。"),
    ),
    row(
        388,
        "张伟明",
        6,
        "低保",
        "华城镇 塔岗村",
        1242426,
        limit("near", 3, at(12, 4)),
        ("钟丽萍", 11, 8, "情况属实，同意上报。"),
    ),
    row(
        402,
        "温志坚",
        3,
        "建档立卡",
        "棉洋镇 罗城村",
        296000,
        limit("normal", 5, at(12, 6)),
        ("陈小燕", 11, 12, "情况属实，同意上报。"),
    ),
    row(
        397,
        "胡秀英",
        4,
        "建档立卡",
        "岐岭镇 王化村",
        514080,
        limit("paused", 4, at(12, 9), reason=W("异议核查", "objection")),
        ("罗远明", 11, 9, "公示期内收到异议 1 条。"),
    ),
)

INBOX = InboxPage(
    ROWS,
    tuple(
        FilterCount(n, W(z, e), c)
        for n, z, e, c in (
            ("all", "全部", "All", 12),
            ("red", "红牌", "Red card", 1),
            ("yellow", "黄牌", "Yellow card", 1),
            ("today", "今日到期", "Due today", 1),
            ("near", "临期", "Due soon", 4),
            ("returned", "退回过", "Returned before", 2),
            ("mine", "我领取的", "Claimed by me", 0),
            ("paused", "暂停", "Clock stopped", 1),
        )
    ),
    "all",
    1,
    2,
    12,
)

_OK = [
    ("身份真实、与姓名一致", "The ID number is real and matches the name", "公安比对 11月19日 08:31", "一致", "X01"),
    (
        "入院当日属救助对象",
        "Entitled on the day of admission",
        "台账：2016-05-20 起在册，建档立卡",
        "建档立卡",
        "粤发〔2016〕13号 §9",
    ),
    ("入院当日已参保", "Insured on the day of admission", "医保比对 11月19日 08:31，城乡居民医保", "已参保", "X12"),
    ("结算单号未重复报销", "The settlement was not used before", "本系统与医保两处比对，未发现重复", "0 条", "X15"),
    (
        "救助比例不低于 70%",
        "The ratio is at least 70 %",
        "救助金额表 第 5 行命中 · 2018 年参数",
        "70%",
        "粤发〔2016〕13号 §9",
    ),
    (
        "不超过年度限额",
        "Within the yearly ceiling",
        "限额 60,000.00，已付 3,260.00，余 56,740.00",
        "10,871.22",
        "2018 年参数",
    ),
    (
        "公示满 7 个工作日，无异议",
        "Notice of 7 working days, no objection",
        "新亨村公示栏 11月8日–16日，照片 2 张",
        "异议 0 条",
        "公示 2018-11 批",
    ),
]

BRIEF = BriefView(
    1087122,
    "壹万零捌佰柒拾壹元贰角贰分",
    (
        WorkingTerm("", W("医疗总费用", "total"), "68,532.40"),
        WorkingTerm("−", W("目录外", "outside"), "4,210.15"),
        WorkingTerm("−", W("基本医保", "basic"), "38,915.60"),
        WorkingTerm("−", W("大病保险", "serious"), "9,876.33"),
        WorkingTerm("=", W("个人负担", "own burden"), "15,530.32", strong=True),
        WorkingTerm("×", W("比例", "ratio"), "70%"),
    ),
    (
        BriefRow(
            "attention",
            W("市外就医须有转诊证明", "Treatment outside the city needs a referral"),
            W("急诊入院 6月11日，转诊单开具 6月12日，晚 1 天", "admitted 11 June, referral of 12 June, a day late"),
            W("转诊单（材料 4）", "referral (paper 4)"),
            W("本县材料清单 6", "county list 6"),
        ),
        *(BriefRow("ok", W(zh, en), W(ev, ev), W(v, v), W(s, s)) for zh, en, ev, v, s in _OK),
    ),
    (
        W("上次 2018-03 救助 3,260.00 元", "Last time 2018-03: 3,260.00 yuan"),
        W("家庭人口 4 → 4", "household 4 → 4"),
        W("本年累计将为 14,131.22 元", "this year 14,131.22 yuan"),
    ),
)

_SLOTS = ("申请表", "诊断与出院证明", "结算单（基本、大病）", "转诊单", "发票 3 张", "公示照片 2 张")
PAPERS = tuple(
    AttachmentView(
        f"{n:032x}",
        f"s{n}",
        W(name, f"paper {n}"),
        f"{n}.pdf" if n < 6 else "notice.jpg",
        "application/pdf" if n < 6 else "image/jpeg",
        123456 * n,
        "7f3a91c2",
        "古志强",
        at(10, 26, 9, 40),
    )
    for n, name in enumerate(_SLOTS, start=1)
)

TIMELINE = (
    TimelineEntry(
        12,
        at(11, 19, 8, 31),
        "system",
        W("系统比对", "Cross-checks"),
        "",
        W("", ""),
        "公安、医保、民政 4 项",
        (W("全部一致", "all agree"),),
    ),
    TimelineEntry(
        11,
        at(11, 16),
        "waiting",
        W("公示期满", "Notice ended"),
        "",
        W("", ""),
        "新亨村公示栏 · 7 个工作日",
        (W("异议 0 条 · 期间时限暂停", "no objection; the clock stood still"),),
    ),
    TimelineEntry(
        8,
        at(11, 6, 16, 2),
        "ok",
        W("同意", "Agreed"),
        "钟丽萍",
        W("审核岗", "reviewer"),
        "华城镇社会事务办",
        (),
        "材料齐全，情况属实，同意上报。",
        "9b01e7a4" + "0" * 56,
        3,
    ),
    TimelineEntry(
        5,
        at(11, 1, 10, 20),
        "ok",
        W("受理", "Received"),
        "古志强",
        W("", ""),
        "华城镇便民服务窗口",
        (W("补正后 6 份材料齐全", "6 papers complete"),),
    ),
    TimelineEntry(
        3,
        at(10, 29, 15, 11),
        "returned",
        W("退回补正", "Returned"),
        "古志强",
        W("", ""),
        "华城镇便民服务窗口",
        (),
        "缺大病保险结算单，请补交。",
        "ab" * 32,
        1,
    ),
    TimelineEntry(
        1,
        at(10, 26, 9, 40),
        "ok",
        W("代为提交", "Handed in for the applicant"),
        "曾小梅",
        W("扶贫专干", "poverty officer"),
        "新亨村",
    ),
)

LEVELS = (
    LevelStep(Level.VILLAGE, "done", W("村 · 提出", "Village: applies"), W("10-26 华城镇新亨村", "26 Oct")),
    LevelStep(Level.TOWNSHIP, "done", W("镇 · 审核", "Town: reviews"), W("11-06 同意 · 公示期满", "6 Nov agreed")),
    LevelStep(Level.COUNTY, "current", W("县 · 审批", "County: decides"), W("办理中 · 第 8 个工作日", "day 8")),
    LevelStep(Level.CITY, "ahead", W("市 · 备案", "City: files"), W("梅州市民政局", "city office")),
    LevelStep(Level.PROVINCE, "ahead", W("省 · 备案", "Province: files"), W("广东省民政厅", "provincial office")),
)

FORM = {
    "title": {"zh": "审批", "en": "Decide"},
    "instructions": {"zh": "县级对资金使用负主体责任。", "en": "The county answers for the money."},
    "schema": {
        "properties": {"return_to": {"enum": ["VILLAGE", "TOWNSHIP"]}, "approve_outcome": {}},
        "required": ["approve_outcome"],
    },
    "ui": {
        "sections": [{"title": {"zh": "审批", "en": "Decision"}, "fields": ["return_to"]}],
        "widgets": {},
        "help": {"return_to": {"zh": "退回时必须选。", "en": "Needed for a return."}},
    },
    "attachments": [],
    "outcome": {"field": "approve_outcome"},
}
FIELDS = {
    "return_to": {
        "type": "choice",
        "zh": "退回到",
        "en": "Return to",
        "choices": [
            {"value": "VILLAGE", "zh": "村级", "en": "village"},
            {"value": "TOWNSHIP", "zh": "镇级", "en": "township"},
        ],
    }
}

TASK = TaskView(
    "381-4",
    381,
    "YL-441424-2018-000381",
    "county_approval",
    W("县级审批", "County approval"),
    Level.COUNTY,
    W("审批岗", "approver"),
    "五华县民政局",
    limit("near", 2, at(12, 3)),
    None,
    False,
    FORM,
    FIELDS,
    {},
    (
        OutcomeView(
            "AGREE",
            W("同意", "Agree"),
            W("报市级备案", "to the city’s filing"),
            W("同意并签字，报市级备案", "Agree and sign, to the city"),
            "positive",
            False,
        ),
        OutcomeView(
            "RETURN",
            W("退回补正", "Return"),
            W("选择退回到哪一步", "choose where to"),
            W("退回补正并签字", "Return and sign"),
            "return",
            True,
            (Choice("VILLAGE", W("村级", "village")),),
        ),
        OutcomeView(
            "REJECT",
            W("不予救助", "Refuse"),
            W("须写明理由与条款", "with reasons"),
            W("不予救助并签字", "Refuse and sign"),
            "refusal",
            True,
        ),
    ),
    (),
    (
        ActionView("complete", W("办理", "Deal with it"), True),
        ActionView("claim", W("领取", "Claim"), True),
        ActionView("release", W("退领", "Release"), False, W("您没有领取该任务", "not claimed")),
        ActionView("reassign", W("改派", "Reassign"), False),
    ),
    5,
    True,
)

CASE = CaseView(
    381,
    "YL-441424-2018-000381",
    "medical_assistance",
    W("医疗救助", "Medical assistance"),
    "曾桂兰",
    4,
    W("建档立卡", "registered poor"),
    "五华县 华城镇 新亨村",
    "OPEN",
    W("办理中", "Open"),
    5,
    3,
    at(10, 26, 9, 40),
    None,
    limit("near", 2, at(12, 3)),
    LEVELS,
    BRIEF,
    (
        SectionView(
            W("家庭与患者", "Household"),
            (
                FieldView("head_name", W("户主", "Head"), W("曾桂兰　女，52 岁", "曾桂兰, f, 52")),
                FieldView("patient_name", W("患者", "Patient"), W("曾桂兰（本人）", "曾桂兰 (self)")),
                FieldView(
                    "patient_id_no",
                    W("证件号码", "ID number"),
                    W("4414**********122X", "4414**********122X"),
                    masked=True,
                ),
                FieldView("hospital_name", W("就诊医院", "Hospital"), W("中山大学附属第一医院", "First hospital")),
                FieldView("address", W("住址", "Address"), W("五华县华城镇新亨村三组", "Xinheng, group 3")),
                FieldView("stay", W("住院日期", "Stay"), W("2018-06-11 至 2018-07-02，21 天", "21 days")),
                FieldView("size", W("家庭人口", "Persons"), W("4 人，其中劳动力 1 人", "4")),
                FieldView(
                    "bank_card",
                    W("收款账户", "Account"),
                    W("一卡通 6217 **** **** 0020", "6217 **** **** 0020"),
                    masked=True,
                ),
            ),
        ),
    ),
    PAPERS,
    TIMELINE,
    (
        StepView(
            "village_apply", "提交申请", Level.VILLAGE, "done", W("新亨村 曾小梅", "Xinheng 曾小梅"), at(10, 26, 9, 40)
        ),
        StepView(
            "town_receive",
            "镇窗口受理",
            Level.TOWNSHIP,
            "returned",
            W("华城镇 古志强", "Huacheng 古志强"),
            at(11, 1, 10, 20),
        ),
        StepView(
            "county_approval",
            "县民政审批",
            Level.COUNTY,
            "current",
            W("五华县民政局 李文辉", "Wuhua 李文辉"),
            at(11, 19, 8, 30),
            limit("near", 2, at(12, 3)),
        ),
        StepView("city_filing", "市级备案", Level.CITY, "ahead", W("备案岗", "filing officer"), None),
        StepView("province_filing", "省级备案", Level.PROVINCE, "ahead", W("备案岗", "filing officer"), None),
    ),
    "<definitions/>",
    {"county_approval": "current", "village_apply": "done"},
    (TASK,),
    (
        ActionView("withdraw", W("撤回申请", "Withdraw"), False, W("由村镇办理", "by the village")),
        ActionView("replay", W("审计回放", "Replay"), False),
    ),
)


def frame(n: int, title: str, who: str, signed: bool) -> FrameView:
    return FrameView(
        n,
        n,
        "task_completed",
        at(10, 25 + n, 9, 40),
        W(title, f"Event {n}"),
        W(who, who),
        "材料齐全，情况属实，同意上报。" if n == 3 else "",
        {"village_apply": "done", "county_approval": "current"},
        (),
        ((W("结论", "Decision"), W("", ""), W("同意", "agreed")),),
        (W("救助金额表 第 5 行命中", "Amount table: row 5 hit"),),
        (),
        "9b" * 32 if signed else "",
        "7f" * 32,
        "9b" * 32,
        '{"v":1}',
    )


HISTORY = HistoryView(
    381,
    "YL-441424-2018-000381",
    "曾桂兰",
    "<definitions/>",
    (
        frame(1, "代为提交", "曾小梅 新亨村", True),
        frame(2, "受理", "古志强 华城镇便民服务窗口", True),
        frame(3, "同意上报", "钟丽萍 华城镇社会事务办", True),
    ),
    True,
    tuple(
        (W(zh, en), True)
        for zh, en in (
            ("事件链完整 3 / 3", "chain whole"),
            ("签名有效 3 / 3", "signatures hold"),
            ("附件一致 6 / 6", "papers agree"),
            ("重放与现状一致", "replay agrees"),
            ("已锚定 11-29 02:00", "anchored"),
        )
    ),
)
