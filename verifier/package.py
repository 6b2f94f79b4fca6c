"""An evidence package, read and checked: a ZIP that holds everything needed to judge a case on another machine.

    manifest.json     what the package is, its members' digests, the streams' heads; signed     manifest.sig
algorithm, key id and signature over the manifest's very bytes     keys.json         public keys by key id
events.tsv        one event a line: hash, previous hash, body; streams one after the other     signatures.jsonl  one
signature a line, as stored     checkpoint.json   the last checkpoint, and proofs.jsonl: where each covered event
stands in its tree     papers/           the papers' content, where the package was made with them

Members are read as streams, so that a million events need little memory. A key in the package proves nothing by
itself: compare the fingerprint that is printed with the one the installation has published, or hand it in with
--key.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from verifier.chain import START, EventRow, Link, Problem, case_of, check_link
from verifier.checkpoints import CheckpointRow, check_checkpoint
from verifier.merkle import included
from verifier.signatures import ALGORITHM, PublicKeys, SignatureRow, check_signature, key_id_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Found = TypeVar("Found")

FORMAT = "bangfu-evidence-v1"
MANIFEST, SEAL, KEYS = "manifest.json", "manifest.sig", "keys.json"
EVENTS, SIGNATURES, CHECKPOINT, PROOFS = "events.tsv", "signatures.jsonl", "checkpoint.json", "proofs.jsonl"
PAPERS = "papers/"
_MOST_PROBLEMS = 200
_MOST_MANIFEST = 64_000_000
_BLOCK = 1 << 20


@dataclass
class Verdict:
    """What a package holds, and what does not hold in it."""

    about: str = ""
    events: int = 0
    signatures: int = 0
    covered: int = 0
    papers: int = 0
    anchored_at: str = ""
    fingerprints: tuple[str, ...] = ()
    problems: list[Problem] = field(default_factory=list)


def verify_package(path: Path, *, trusted: frozenset[str] = frozenset()) -> Verdict:
    """Check a package; `trusted` are key fingerprints (SHA-256 of the raw public key, hex) of which all its keys must be."""
    verdict = Verdict()
    try:
        with zipfile.ZipFile(path) as package:
            _Check(package, verdict, trusted).run()
    except (
        zipfile.BadZipFile,
        EOFError,
        OSError,
        RuntimeError,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
    ) as error:
        # Whatever is not readable is not whole; zlib's own errors are ValueErrors of their own kind.
        verdict.problems.append(Problem(str(path.name), "证据包无法读取", f"the package cannot be read: {error}"))
    except Exception as error:
        if type(error).__module__ != "zlib":
            raise
        verdict.problems.append(Problem(str(path.name), "证据包已损坏", f"the package is damaged: {error}"))
    return verdict


class _Proof(NamedTuple):
    """Where a covered event stands in the checkpoint's tree."""

    stream: str
    seq: int
    position: int
    path: list[str]


class _Lockstep(Generic[Found]):
    """Records that stand in the order of the events they belong to, so that only one is held at a time."""

    def __init__(self, records: Iterator[tuple[tuple[Any, int], Found]]) -> None:
        self._records = records
        self._next = next(records, None)

    def take(self, key: tuple[Any, int]) -> Found | None:
        """Return the record of this event, where it is the next one."""
        if self._next is None or self._next[0] != key:
            return None
        found = self._next[1]
        self._next = next(self._records, None)
        return found

    def rest(self) -> Iterator[Found]:
        """Return what belonged to no event."""
        while self._next is not None:
            yield self._next[1]
            self._next = next(self._records, None)


class _Check:
    """One package under examination."""

    def __init__(self, package: zipfile.ZipFile, verdict: Verdict, trusted: frozenset[str]) -> None:
        self.package = package
        self.verdict = verdict
        self.trusted = trusted
        self.keys = PublicKeys({})
        self.manifest: dict[str, Any] = {}
        self.size, self.root = 0, ""

    def run(self) -> None:
        """Go through the package from the manifest to the last proof."""
        self._manifest()
        self._members()
        proofs = self._proofs()
        signatures = _Lockstep(
            ((row.case_id, row.event_seq), row)
            for row in (SignatureRow(*json.loads(line)) for line in self._lines(SIGNATURES))
        )
        self._events(signatures, proofs)
        for row in signatures.rest():
            self._problem(row.where, "没有对应的审计事件", "there is no event it belongs to")
        for proof in proofs.rest():
            self._problem(
                f"audit_event {proof.stream} #{proof.seq}",
                "已锚定的事件不在包中",
                "a proof covers it, but it is not in the package",
            )
        self._papers()

    def _problem(self, where: str, zh: str, en: str) -> None:
        if len(self.verdict.problems) < _MOST_PROBLEMS:
            self.verdict.problems.append(Problem(where, zh, en))

    def _read(self, name: str) -> bytes:
        if self.package.getinfo(name).file_size > _MOST_MANIFEST:
            raise ValueError(f"{name} is larger than it can be")
        return self.package.read(name)

    def _manifest(self) -> None:
        content = self._read(MANIFEST)
        raw = {key_id: bytes.fromhex(key) for key_id, key in json.loads(self._read(KEYS)).items()}
        for key_id, key in raw.items():
            if key_id_of(key) != key_id:
                self._problem(KEYS, f"密钥 {key_id} 与其编号不符", f"key {key_id} is not the one it is named after")
        self.keys = PublicKeys(raw)
        self.verdict.fingerprints = tuple(sha256(key).hexdigest() for key in raw.values())
        for fingerprint in self.verdict.fingerprints:
            if self.trusted and fingerprint not in self.trusted:
                self._problem(
                    KEYS, f"密钥指纹 {fingerprint} 不是您给出的", f"fingerprint {fingerprint} is none of those given"
                )
        sealed = json.loads(self._read(SEAL))
        if sealed["algorithm"] != ALGORITHM or not self.keys.verify(sealed["key_id"], content, sealed["value"]):
            self._problem(MANIFEST, "清单签名无效", "the manifest's signature is not right")
        self.manifest = json.loads(content)
        if self.manifest["format"] != FORMAT:
            raise ValueError(f"expected {FORMAT}, found {self.manifest['format']}")
        self.verdict.about = str(self.manifest["about"])

    def _members(self) -> None:
        listed: dict[str, str] = self.manifest["members"]
        present = [name for name in self.package.namelist() if name not in {MANIFEST, SEAL, KEYS}]
        for name in sorted({*listed, *present}):
            if name not in listed or present.count(name) != 1:
                self._problem(name, "不在清单上,或缺失、重复", "it is not on the manifest, or missing, or there twice")
            elif self._digest(name) != listed[name]:
                self._problem(name, "内容与清单上的摘要不符", "its content is not what the manifest recorded")

    def _digest(self, name: str) -> str:
        found = sha256()
        with self.package.open(name) as member:
            while block := member.read(_BLOCK):
                found.update(block)
        return found.hexdigest()

    def _lines(self, name: str) -> Iterator[str]:
        with self.package.open(name) as member:
            for line in member:
                yield line.decode()

    def _proofs(self) -> _Lockstep[_Proof]:
        if CHECKPOINT not in self.manifest["members"]:
            return _Lockstep(iter(()))
        row = CheckpointRow(*json.loads(self._read(CHECKPOINT)))
        # Its predecessor is not in the package; the name it gives of it is covered by its signature.
        check_checkpoint(row, None, self.keys, self.verdict.problems)
        self.verdict.anchored_at = row.made_at
        self.size, self.root = row.size, row.root
        return _Lockstep(
            ((proof.stream, proof.seq), proof) for proof in (_Proof(*json.loads(line)) for line in self._lines(PROOFS))
        )

    def _events(
        self,
        signatures: _Lockstep[SignatureRow],
        proofs: _Lockstep[_Proof],
    ) -> None:
        heads: dict[str, list[Any]] = self.manifest["heads"]
        current, before = "", START
        seen: set[str] = set()
        for line in self._lines(EVENTS):
            digest, prev_hash, text = line.rstrip("\n").split("\t")
            row, body = _row(digest, prev_hash, text)
            if row.stream != current:
                if current:
                    self._head(current, before, heads)
                if row.stream in seen:
                    self._problem(row.where, "同一条链被分开存放", "its stream is in two places")
                seen.add(row.stream)
                current, before = row.stream, START
            check_link(row, before, self.verdict.problems)
            self.verdict.events += 1
            self._signed(row, body, signatures)
            proof = proofs.take((row.stream, row.seq))
            if proof is not None:
                self.verdict.covered += 1
                if not included(row.hash, proof.position, self.size, proof.path, self.root):
                    self._problem(row.where, "与锚点不符", "the checkpoint's tree does not hold it at its place")
            before = Link(row.seq, row.hash)
            if len(self.verdict.problems) >= _MOST_PROBLEMS:
                return
        if current:
            self._head(current, before, heads)
        for stream in sorted({*heads} - seen):
            self._problem(f"audit_event {stream}", "整条链缺失", "the whole stream is missing")

    def _head(self, stream: str, last: Link, heads: dict[str, list[Any]]) -> None:
        if heads.get(stream) != [last.seq, last.hash]:
            self._problem(
                f"audit_event {stream} #{last.seq}",
                "不是清单记录的最后一个事件",
                "it is not the last event the manifest names",
            )

    def _signed(self, row: EventRow, body: dict[str, Any], signatures: _Lockstep[SignatureRow]) -> None:
        if not row.stream.startswith("case:"):
            return
        found = signatures.take((row.case_id, row.seq))
        if found is not None:
            self.verdict.signatures += 1
            check_signature(found, body, row.prev_hash, self.keys, self.verdict.problems)
        elif "signature" in body:
            self._problem(row.where, "该事件的签名记录缺失", "its signature is missing")

    def _papers(self) -> None:
        """Compare each paper in the package with the digest its event recorded; the manifest lists both."""
        for paper in self.manifest["papers"]:
            self.verdict.papers += 1
            name = PAPERS + paper["id"]
            if paper["included"] and self.manifest["members"].get(name) != paper["sha256"]:
                self._problem(name, "材料内容与事件登记的摘要不符", "the paper is not the one its event recorded")


def _row(digest: str, prev_hash: str, text: str) -> tuple[EventRow, dict[str, Any]]:
    """Return an event of a package: its columns are what its body says, for a package keeps no columns."""
    body = json.loads(text)
    actor = body.get("actor")
    stream = str(body.get("stream"))
    row = EventRow(
        stream=stream,
        seq=body.get("seq"),
        case_id=case_of(stream, body),
        kind=body.get("kind"),
        at=body.get("at"),
        actor_id=actor.get("person") if isinstance(actor, dict) else None,
        region_code=body.get("region"),
        body=text,
        prev_hash=prev_hash,
        hash=digest,
    )
    return row, body
