#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An input that is the output too, an output that cannot be written whole, signals: the input stays or what takes its place is whole, and
# nothing unfinished is left.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
nothing_left() { [ -z "$(find . -name '*.sheaf-tmp' -o -name '.*.sheaf-new')" ] || fail "$1: left: $(find . -name '*sheaf-*')"; }

# A loss stream written onto itself: as from and to different files.
{ echo event_id,item_id,sidx,loss; seq 20000 | sed 's/.*/&,1,-1,2.5\n&,1,1,5/'; } >a.csv
"$sheaf" loss bin a.csv --samples 2 -o a.bin
"$sheaf" loss cat a.bin --canonical -o canonical.bin
cp a.bin b.bin
"$sheaf" loss cat b.bin -o b.bin && cmp a.bin b.bin || fail "loss cat onto its input"
ln -s b.bin link.bin
"$sheaf" loss cat --canonical b.bin -o link.bin && cmp canonical.bin b.bin && [ -L link.bin ] || fail "loss cat onto a link to its input"
# After a failure the file is as it was, or not there.
cp a.bin good.bin
head -c 1001 a.bin >cut.bin
for file in good.bin new.bin; do
    expect 3 'ends at byte 1001' loss cat cut.bin -o $file
    expect 3 'ends at byte 1001' loss csv cut.bin -o $file
    expect 3 'ends at byte 1001' loss index cut.bin -o $file
    expect 1 'not a number\|cannot' loss bin nothere.csv -o $file
    expect 1 'summary streams' loss table melt a.bin -o $file --selt $file.selt
done
cmp a.bin good.bin || fail "a failure changed the output"
[ ! -e new.bin ] && [ ! -e new.bin.selt ] || fail "a failure left an output"
nothing_left "loss verbs"
"$sheaf" loss cat a.bin -o /dev/stdout | cmp - a.bin || fail "to a pipe by name"

# A store made of itself, or of what lies in it.
suffixes="zarr npyd"
! "$sheaf" --version | grep -q '^formats:.* hdf5' || suffixes="zarr npyd h5"
for s in $suffixes; do
    "$sheaf" simulate gbm "run.$s" -n 20 --steps 10 --quiet 2>/dev/null
    "$sheaf" export "run.$s" before.csv --what all --quiet
    ln -s "run.$s" "link.$s"
    expect 1 'lies within the store' import "run.$s" "run.$s" --array price --replace
    expect 1 'lies within the store' import "link.$s" "run.$s" --array price --replace
    expect 1 'are the same' convert "run.$s" "./run.$s/" --replace
    expect 1 'both a source and the target' merge "run.$s/" "run.$s" --replace
    "$sheaf" loss store a.bin "loss.$s"
    expect 1 'both an input and the store' loss store "loss.$s" "loss.$s" --replace
    "$sheaf" loss cat "loss.$s" | cmp - a.bin || fail "$s: a store of losses was harmed"
    "$sheaf" export "run.$s" after.csv --what all --quiet
    cmp before.csv after.csv || fail "$s: a store was harmed"
done
expect 1 'lies within the store' import run.npyd/price.npy run.npyd --replace
"$sheaf" convert run.zarr run.npyd/inner.zarr --quiet
expect 1 'lies within the target' convert run.npyd/inner.zarr run.npyd --replace
expect 1 'lies within the target' merge run.npyd run.npyd/inner.zarr --replace
"$sheaf" info run.npyd/inner.zarr >/dev/null || fail "the inner store was harmed"

# A file that must not grow further: an error, not the end of the process.
"$sheaf" simulate gbm big.zarr -n 3000 --quiet 2>/dev/null
for out in out.csv out.json out.npz out.parquet $(printf "out.%s " $suffixes); do
    case $out in *.h5 | *.npyd | *.zarr) verb=convert ;; *) verb="export --what all" ;; esac
    # shellcheck disable=SC2086
    (ulimit -f 100 && expect 1 'File too large' $verb big.zarr $out --quiet) || fail "$out: no error"
    [ ! -e $out ] || fail "$out is left"
done
(ulimit -f 100 && expect 1 'File too large' loss csv a.bin -o out.csv) || fail "loss csv: no error"
nothing_left "files that must not grow"

# Ended by a signal while an output is being written: nothing of it is left.
"$sheaf" loss bin a.csv --samples 2 -o signal.bin
for signal in INT TERM HUP; do
    mkfifo in
    ("$sheaf" loss cat in -o signal.bin & echo $! >pid; wait $! 2>/dev/null || true) &
    exec 9>in
    head -c 5000 a.bin >&9
    for _ in $(seq 100); do [ -e signal.bin.sheaf-tmp ] && break || sleep .02; done
    [ -e signal.bin.sheaf-tmp ] || fail "$signal: nothing was begun"
    # A shell without job control starts what is in the background with SIGINT ignored.
    [ $signal != INT ] || signal=TERM
    kill -$signal "$(cat pid)"
    wait
    exec 9>&-
    rm in
    nothing_left "$signal"
    cmp a.bin signal.bin || fail "$signal: the output before was changed"
done

# One line when standard output is full.
for verb in "show big.zarr --csv" "show big.zarr --json" "loss csv a.bin"; do
    # shellcheck disable=SC2086
    said=$("$sheaf" $verb 2>&1 >/dev/full) && fail "$verb: wrote to /dev/full"
    [ "$(wc -l <<<"$said")" = 1 ] || fail "$verb: more than one line: $said"
done
echo "outputs that are inputs, limits, signals: whole or as before"
