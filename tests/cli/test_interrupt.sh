#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SIGTERM in import, convert and merge: one line, exit status 1, and nothing is left; import --resume keeps the rows that it had.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
rows() { seq "$1" "$2" | sed 's/.*/&,&.5,&.25/'; }
left() { find . -maxdepth 1 -name '*out*' | sort | xargs; }

# interrupted NAME ARGUMENT...: an import whose input comes by a pipe, ended when the store is there and before the input is.
interrupted() {
    local store=$1 status=0
    shift
    mkfifo pipe
    "$sheaf" import - "$store" --type csv --as trajectories --id 0 "$@" <pipe 2>said &
    local import=$!
    exec 3>pipe
    rows 1 200000 >&3
    for _ in $(seq 500); do [ -e "$store" ] && break || sleep 0.01; done
    [ -e "$store" ] || fail "$store: not made within 5 s"
    kill -TERM $import
    { rows 200001 400000 >&3; } 2>/dev/null || true
    exec 3>&-
    wait $import || status=$?
    rm pipe
    [ $status = 1 ] || fail "$store: import ended with status $status: $(cat said)"
    grep -q "^sheaf: import: $store: interrupted" said || fail "$store: said $(cat said)"
}
for format in $formats; do
    store=out.$(suffix "$format")
    interrupted "$store"
    [ -z "$(left)" ] || fail "$format: left $(left)"
    rows 1 1000 >first.csv
    "$sheaf" import first.csv "$store" --as trajectories --id 0 --quiet
    interrupted "$store" --resume --name first
    n=$("$sheaf" info "$store" | sed -n 's/^trajectory: \([0-9]*\) committed/\1/p')
    { [ "$n" -ge 1000 ] && [ "$n" -lt 400000 ]; } || fail "$format: $n rows after an interrupted import --resume"
    "$sheaf" verify "$store" >/dev/null || fail "$format: damaged after an interrupted import --resume"
    for verb in convert merge; do
        status=0
        case $verb in
        convert) "$sheaf" convert "$store" "copy-$store" --quiet 2>said & ;;
        merge) "$sheaf" merge "copy-$store" "$store" --quiet 2>said & ;;
        esac
        work_id=$!
        for _ in $(seq 500); do { [ -e "copy-$store" ] || ! kill -0 $work_id 2>/dev/null; } && break || sleep 0.001; done
        kill -TERM $work_id 2>/dev/null || true
        wait $work_id || status=$?
        [ $status = 0 ] || [ "$(left)" = "./$store" ] || fail "$format: $verb ended with status $status and left $(left)"
        echo "$format: $verb ended with status $status"
        rm -rf "copy-$store"
    done
    rm -rf "$store"
done
