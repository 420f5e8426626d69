# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the shell tests of the command share. Sourced first; the test goes on in an empty folder, which goes with it.
set -eu
sheaf=${SHEAF:?}
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
fail() { echo "$*" >&2; exit 1; }

# The formats of this build, but for mem: "zarr hdf5 npy".
formats=${FORMATS:-$("$sheaf" --version | sed -n 's/^formats: *//p' | sed 's/ *mem//')}
has() { [[ " $formats " == *" $1 "* ]]; }
suffix() { case $1 in zarr) echo zarr ;; hdf5) echo h5 ;; npy) echo npyd ;; esac; }

# expect STATUS PATTERN ARGS...: the exit status, and one line on stderr that matches.
expect() {
    local want=$1 pattern=$2 status=0 said
    shift 2
    said=$("$sheaf" "$@" 2>&1 >/dev/null) || status=$?
    [ "$status" = "$want" ] || fail "sheaf $*: status $status instead of $want: $said"
    [ "$(wc -l <<<"$said")" = 1 ] || fail "sheaf $*: more than one line: $said"
    grep -q -- "$pattern" <<<"$said" || fail "sheaf $*: \"$said\" does not match \"$pattern\""
}

# refused STATUS TEXT VERB ARGS...: the exit status, nothing on stdout, and one line "sheaf: VERB: …" on stderr that says the text as it stands.
refused() {
    local want=$1 text=$2 status=0 printed said
    shift 2
    printed=$("$sheaf" "$@" 2>"$work/said") || status=$?
    said=$(cat "$work/said")
    [ "$status" = "$want" ] || fail "sheaf $*: status $status instead of $want: $said"
    [ -z "$printed" ] || fail "sheaf $*: printed $printed"
    [ "$(wc -l <"$work/said")" = 1 ] || fail "sheaf $*: more than one line: $said"
    [[ $said == "sheaf: $1: "* ]] || fail "sheaf $*: $said"
    grep -qF -- "$text" <<<"$said" || fail "sheaf $*: \"$said\" does not say \"$text\""
}

# tells STATUS PATTERN ARGS...: the exit status, at most one line on stderr when it fails, and the pattern in what is printed (left in out) or said.
tells() {
    local want=$1 pattern=$2 status=0
    shift 2
    "$sheaf" "$@" >"$work/out" 2>"$work/said" || status=$?
    [ "$status" = "$want" ] || fail "sheaf $*: status $status instead of $want: $(cat "$work/out" "$work/said")"
    [ "$want" = 0 ] || [ "$(wc -l <"$work/said")" -le 1 ] || fail "sheaf $*: more than one line: $(cat "$work/said")"
    cat "$work/out" "$work/said" | grep -q -- "$pattern" || fail "sheaf $*: \"$(cat "$work/out" "$work/said")\" does not match \"$pattern\""
}
