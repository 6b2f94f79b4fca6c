"""The evidence of a case can be judged on another machine, by a program that has never heard of us: RELIABILITY.md F33."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from engine.audit.checkpoints import take_checkpoint
from engine.audit.evidence import export_case
from engine.errors import NotFound
from tests.world import World
from verifier.__main__ import main
from verifier.merkle import EMPTY_ROOT, Frontier, included, leaf, node, paths
from verifier.package import verify_package

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def exported(sqlite_database, clock, keyring, tmp_path):
    world = World(sqlite_database, clock, keyring)
    claim = world.claim("JD").goes_to("T_pay")
    take_checkpoint(sqlite_database, keyring, tmp_path, clock())
    claim.does()
    path = tmp_path / "evidence.zip"
    with sqlite_database.reading() as connection:
        export_case(connection, keyring, claim.case_no, path, clock(), with_papers=True)
    return path, claim, world


def test_an_exported_case_is_whole(exported):
    path, claim, _ = exported
    verdict = verify_package(path)
    assert verdict.problems == []
    assert verdict.about == claim.case_no
    assert verdict.events == len(claim.events)
    assert verdict.signatures == verdict.events
    assert verdict.covered == verdict.events - 1  # the last one came after the checkpoint
    assert verdict.papers >= 3


def test_a_case_without_papers_content_and_without_a_checkpoint_is_whole_too(sqlite_database, clock, keyring, tmp_path):
    claim = World(sqlite_database, clock, keyring).claim("JD")
    path = tmp_path / "evidence.zip"
    with sqlite_database.reading() as connection:
        assert export_case(connection, keyring, claim.case_no, path, clock()) == 1
        with pytest.raises(NotFound):
            export_case(connection, keyring, "YL-0", path, clock())
    verdict = verify_package(path)
    assert (verdict.problems, verdict.covered) == ([], 0)
    assert not [name for name in zipfile.ZipFile(path).namelist() if name.startswith("papers/")]


def test_the_same_evidence_is_the_same_file(exported, keyring, clock, tmp_path):
    path, claim, world = exported
    again = tmp_path / "again.zip"
    with world.database.reading() as connection:
        export_case(connection, keyring, claim.case_no, again, clock(), with_papers=True)
    assert again.read_bytes() == path.read_bytes()


def _rewritten(path: Path, change: dict[str, bytes | None]) -> Path:
    target = path.with_name("changed.zip")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = change.get(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return target


def test_a_changed_letter_in_any_member_is_found(exported):
    path, _, _ = exported
    with zipfile.ZipFile(path) as package:
        members = {name: package.read(name) for name in package.namelist()}
    for name, content in members.items():
        for place in range(0, len(content), max(1, len(content) // 25)):
            changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
            assert verify_package(_rewritten(path, {name: changed})).problems, f"{name} at {place}"
        if name not in {"manifest.json", "manifest.sig", "keys.json"}:
            found = verify_package(_rewritten(path, {name: None}))
            assert found.problems, f"{name} taken away"


def test_the_event_that_was_changed_is_named(exported):
    path, claim, _ = exported
    with zipfile.ZipFile(path) as package:
        events = package.read("events.tsv").decode()
    verdict = verify_package(_rewritten(path, {"events.tsv": events.replace("情况属实", "情况不实", 1).encode()}))
    named = {problem.where for problem in verdict.problems}
    assert "events.tsv" in named
    assert any(where.startswith(f"audit_event case:{claim.case_id} #") for where in named)


def test_a_broken_or_foreign_file_is_refused_not_crashed_on(exported, tmp_path):
    path, _, _ = exported
    content = path.read_bytes()
    for name, damaged in (("cut.zip", content[: len(content) // 2]), ("text.zip", b"not a package"), ("none.zip", b"")):
        (tmp_path / name).write_bytes(damaged)
        assert verify_package(tmp_path / name).problems
    assert verify_package(tmp_path / "not-there.zip").problems
    for place in range(0, len(content), max(1, len(content) // 200)):
        (tmp_path / "bit.zip").write_bytes(content[:place] + bytes([content[place] ^ 16]) + content[place + 1 :])
        verify_package(tmp_path / "bit.zip")


def test_a_key_that_is_not_trusted_is_named(exported, capsys):
    path, _, _ = exported
    (fingerprint,) = verify_package(path).fingerprints
    assert main([str(path), "--key", fingerprint]) == 0
    assert f"{fingerprint} ✓" in capsys.readouterr().out
    assert main([str(path), "--key", "0" * 64]) == 1
    assert fingerprint in capsys.readouterr().out


def test_it_runs_where_there_is_only_cryptography(exported, tmp_path):
    """A Python that may see nothing but the verifier and cryptography (with its own two dependencies)."""
    path, claim, _ = exported
    bare = tmp_path / "bare"
    bare.mkdir()
    shutil.copytree(ROOT / "verifier", bare / "verifier")
    for name in ("cryptography", "cffi", "pycparser"):
        found = importlib.util.find_spec(name)
        if found is not None and found.submodule_search_locations:
            (bare / name).symlink_to(found.submodule_search_locations[0])
    binary = importlib.util.find_spec("_cffi_backend")
    if binary is not None and binary.origin is not None:
        (bare / Path(binary.origin).name).symlink_to(binary.origin)
    script = (
        f"import sys; sys.path.insert(0, {str(bare)!r}); import runpy; sys.argv = ['verifier', {str(path)!r}]; "
        "runpy.run_module('verifier', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert claim.case_no in done.stdout


def _root(hashes: list[str]) -> bytes:
    """The root straight from the definition (RFC 9162, 2.1.1)."""
    if len(hashes) == 1:
        return leaf(hashes[0])
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node(_root(hashes[:split]), _root(hashes[split:]))


def test_the_growing_tree_and_its_proofs_agree_with_the_definition():
    hashes = [f"{n:064x}" for n in range(70)]
    tree = Frontier()
    assert tree.root() == EMPTY_ROOT
    for size, digest in enumerate(hashes, 1):
        tree.add(digest)
        root = _root(hashes[:size]).hex()
        assert tree.root() == root
        assert Frontier(size, tree.peaks).root() == root
        proofs = paths(hashes[:size], range(size))
        for place in range(size):
            assert included(hashes[place], place, size, proofs[place], root)
            assert not included(hashes[place], place ^ 1, size, proofs[place], root)
            assert not included("f" * 64, place, size, proofs[place], root)
            assert not included(hashes[place], place, size, [*proofs[place], "0" * 64], root)
    with pytest.raises(ValueError, match="peaks"):
        Frontier(3, ["00" * 32])
