#!/usr/bin/env bash
# Formatting of Swift, syntax of scripts, and words and paths that must never be committed.
set -euo pipefail
cd "$(dirname "$0")/.."

swift format lint --strict --recursive --parallel Package.swift Sources Tests Interop
git ls-files '*.sh' .ci/run .githooks | xargs -n1 bash -n
git ls-files '*.py' | xargs python3 -c 'import ast, sys; [ast.parse(open(p).read(), p) for p in sys.argv[1:]]'

# Paths of one machine tell nobody anything.
if git grep -nE '(^|[^A-Za-z0-9_.~-])/(work|root|home/[a-z]+)/' -- . ':!LICENSE' ':!scripts/lint.sh'; then
    echo "lint: absolute paths of a machine, see above" >&2
    exit 1
fi
if git ls-files | grep -E '(^|/)(\.build|Package\.resolved|\.venv|__pycache__)(/|$)'; then
    echo "lint: build products are tracked, see above" >&2
    exit 1
fi
echo "lint: clean"
