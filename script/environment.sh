# Sourced by the scripts: finds a Python that is new enough and makes .venv with what is asked for.
# Nothing else on the machine is touched; running it again costs a second.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

find_python() {
  local name
  for name in "${PYTHON:-}" python3.14 python3.13 python3.12 python3.11 python3 python; do
    if [ -n "$name" ] && command -v "$name" >/dev/null 2>&1 &&
      "$name" -c 'import sys; raise SystemExit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then
      echo "$name"
      return
    fi
  done
  echo "需要 Python 3.11 至 3.14 · Python 3.11 to 3.14 is needed; none was found." >&2
  return 1
}

# prepare EXTRAS: .venv holds the project with these extras, brought again only when pyproject.toml or the extras change.
prepare() {
  local extras="$1" wanted
  if ! .venv/bin/python -c '' 2>/dev/null; then
    "$(find_python)" -m venv --clear .venv
  fi
  wanted="$(cat pyproject.toml | cksum) $extras"
  if [ "$(cat .venv/prepared 2>/dev/null || true)" != "$wanted" ]; then
    echo "安装所需的包 · Installing what is needed ($extras) …" >&2
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[$extras]"
    echo "$wanted" >.venv/prepared
  fi
}
