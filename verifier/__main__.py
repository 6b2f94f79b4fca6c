"""`python -m verifier evidence.zip`: prints what was checked and every fault found; exit code 1 where there is one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from verifier.package import verify_package


def main(arguments: list[str] | None = None) -> int:
    """Check the packages named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m verifier", description="核验证据包 · Check an evidence package.")
    parser.add_argument("package", type=Path, nargs="+", help="证据包(ZIP) · the package")
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="FINGERPRINT",
        help="可信公钥的 SHA-256 指纹 · SHA-256 of a public key you trust, as the installation has published it",
    )
    chosen = parser.parse_args(arguments)
    trusted = frozenset(key.lower() for key in chosen.key)
    whole = [_report(path, trusted) for path in chosen.package]
    return 0 if all(whole) else 1


def _report(path: Path, trusted: frozenset[str]) -> bool:
    verdict = verify_package(path, trusted=trusted)
    say = sys.stdout.write
    say(f"{path.name}: {verdict.about}\n")
    say(
        f"  事件 events {verdict.events} · 签名 signatures {verdict.signatures} · 材料 papers {verdict.papers} · "
        f"已锚定 covered {verdict.covered}" + (f" ({verdict.anchored_at})" if verdict.anchored_at else "") + "\n"
    )
    for fingerprint in verdict.fingerprints:
        say(f"  公钥指纹 key fingerprint {fingerprint}{' ✓' if fingerprint in trusted else ''}\n")
    if not trusted:
        say("  请与已公布的指纹核对 · Compare the fingerprint with the one the installation has published.\n")
    for problem in verdict.problems:
        say(f"  ✗ {problem}\n")
    say("  ✓ 完整 · whole\n" if not verdict.problems else f"  ✗ 不完整 · not whole: {len(verdict.problems)}\n")
    return not verdict.problems


if __name__ == "__main__":
    raise SystemExit(main())
