#!/usr/bin/env bash
# Formatting of Swift, syntax of scripts, and paths and products that must never be committed.
set -euo pipefail
cd "$(dirname "$0")/.."

swift format lint --strict --recursive --parallel Package.swift Sources Tests Interop Benchmarks Examples
mapfile -t scripts < <(git ls-files '*.sh' .ci/run .githooks)
for script in "${scripts[@]}"; do bash -n "$script"; done
if command -v shellcheck >/dev/null; then shellcheck --severity=warning --exclude=SC2155 "${scripts[@]}"; fi
git ls-files '*.py' | xargs python3 -c 'import ast, sys; [ast.parse(open(p).read(), p) for p in sys.argv[1:]]'

# Paths of one machine tell nobody anything.
if git grep -nE '(^|[^A-Za-z0-9_.~-])/(work|root|home/[a-z]+|tmp/[a-z])/' -- . ':!LICENSE' ':!scripts/lint.sh'; then
    echo "lint: absolute paths of a machine, see above" >&2
    exit 1
fi
if git ls-files | grep -E '(^|/)(\.build|\.bench|Package\.resolved|\.venv|__pycache__)(/|$)'; then
    echo "lint: build products are tracked, see above" >&2
    exit 1
fi
if git grep -nIE ' +$' -- . ':!*/Vectors/*' ':!*.md'; then
    echo "lint: space at the end of lines, see above" >&2
    exit 1
fi
echo "lint: clean"
