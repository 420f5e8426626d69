#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A Python test whose reader is missing is skipped and says so, but fails in CI; a test that fails is never taken for a skipped one.
set -u
run=${SHEAF_SOURCE:?}/tools/run-python
python=$(command -v python3) || { echo "SKIPPED: no python3"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset SHEAF_PYTHON

expect() {
    local ci=$1 status=$2 text=$3 said got
    shift 3
    said=$(CI=$ci "$run" "$@" 2>&1)
    got=$?
    [ $got -eq "$status" ] && [[ $said == *"$text"* ]] && return
    echo "CI=$ci run-python $*: exit status $got instead of $status, said: $said"
    exit 1
}

echo 'import no_such_reader' >"$work/imports.py"
echo 'from outside import need; need("no_such_reader>=3")' >"$work/needs.py"
echo 'from outside import need; need("json"); print("done")' >"$work/has.py"
echo 'raise SystemExit(1)' >"$work/fails.py"
echo 'assert 1 == 2, "numbers differ"' >"$work/asserts.py"
echo 'raise SystemExit(3)' >"$work/three.py"

for name in imports needs; do
    expect false 77 "SKIPPED: $name.py" "$python" "$work/$name.py"
    expect true 1 "FAILED: $name.py" "$python" "$work/$name.py"
done
expect true 0 "done" "$python" "$work/has.py"
expect false 1 "" "$python" "$work/fails.py"
expect false 1 "numbers differ" "$python" "$work/asserts.py"
expect false 3 "" "$python" "$work/three.py"
expect false 77 "no $work/absent" "$work/absent" "$work/has.py"
expect true 1 "no $work/absent" "$work/absent" "$work/has.py"
echo "skipped, failed and passed are told apart"
