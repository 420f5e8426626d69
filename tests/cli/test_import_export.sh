#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# sheaf import, export, show, info, verify: round trips, and one clear line for each bad input.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"

printf '1\t2.5\t-3e-5\n4\t0.1\t1e300\n' >m.txt
printf 'time,a,b\r\n0.5,1,2\r\n1.5,3,4\r\n2.5,5,6\r\n' >steps.csv
printf 'trajectory,0,1\n7,1,2\n-3,3,4\n5,5,6\n' >paths.csv
for format in $formats; do
    o="--format $format"
    # shellcheck disable=SC2086
    {
        "$sheaf" import m.txt m $o --quiet
        [ "$("$sheaf" show m m --csv $o)" = "$(printf 'time,0,1,2\n0,1,2.5,-3e-05\n1,4,0.1,1e+300')" ] || fail "$("$sheaf" show m m --csv $o)"
        "$sheaf" import - m $o --type tsv --name y --as trajectories --replace <m.txt --quiet
        "$sheaf" info m --json $o | grep -q '"name": "y", "dtype": "float64", "shape": \[2, 3\], "dimensions": \["trajectory", "time"\]' || fail "$("$sheaf" info m --json $o)"
        "$sheaf" import steps.csv s $o --quiet
        [ "$("$sheaf" show s steps --csv $o)" = "$(printf 'time,0,1\n0.5,1,2\n1.5,3,4\n2.5,5,6')" ] || fail "$("$sheaf" show s steps --csv $o)"
        [ "$("$sheaf" show s steps --csv --time 1:3 $o)" = "$(printf 'time,0,1\n1.5,3,4\n2.5,5,6')" ] || fail "$("$sheaf" show s steps --csv --time 1:3 $o)"
        "$sheaf" import paths.csv p $o --as trajectories --quiet
        "$sheaf" export p out.csv --what paths $o --quiet
        [ "$(cat out.csv)" = "$(printf 'trajectory,0,1\n-3,3,4\n5,5,6\n7,1,2')" ] || fail "exported: $(cat out.csv)"
        [ "$("$sheaf" show p paths --json --id 7,-3,7 --time 1 $o)" = "$(printf '[\n{"trajectory": 7, "1": 2},\n{"trajectory": -3, "1": 4},\n{"trajectory": 7, "1": 2}\n]')" ] ||
            fail "$("$sheaf" show p paths --json --id 7,-3,7 --time 1 $o)"
        expect 1 'no committed trajectory 8' show p paths --id 8 $o
        "$sheaf" export p again.csv --what paths $o --quiet
        "$sheaf" import again.csv q $o --as trajectories --name paths --quiet
        "$sheaf" export q back.csv --what paths $o --quiet
        cmp again.csv back.csv || fail "$format: a round trip through CSV differs"
        "$sheaf" verify p >/dev/null || fail "$format: verify finds fault with a good store"
        [ "$("$sheaf" follow p $o | wc -l)" = 1 ] || fail "follow: $("$sheaf" follow p $o)"
    }
    rm -rf m s p q
done

# Bad inputs: one line, the right status, nothing left behind.
printf '1\t2\n3\tx\n' >bad.txt
printf '1 2\n3\n' >ragged.txt
printf '1\n\n2\n' >blank.txt
: >empty.txt
printf 'id,0\n1.5,2\n' >ids.csv
printf 'id,0\nnan,2\n' >nan.csv
printf 'id,0\n1,2\n1,3\n' >twice.csv
printf '\223NUMPY\001\000\166\000{"descr"' >short.npy
expect 1 'line 2, column 2' import bad.txt x.npyd
expect 1 'line 2' import ragged.txt x.npyd
expect 1 'line' import blank.txt x.npyd
expect 1 'is empty' import empty.txt x.npyd
expect 1 'no whole number' import ids.csv x.npyd --as trajectories
expect 1 'no whole number' import nan.csv x.npyd --as trajectories
expect 1 'trajectory 1 is stored already' import twice.csv x.npyd --as trajectories
expect 3 'npy' import short.npy x.npyd
expect 1 'No such file' import nowhere.txt x.npyd
expect 1 'unknown type "doc" of input; known types: txt' import m.doc x.npyd
expect 2 'unknown type "cvs" (did you mean csv?' import m.txt x.npyd --type cvs
expect 2 'needs --type' import - x.npyd
expect 2 'neither steps nor trajectories' import m.txt x.npyd --as rows
[ ! -e x.npyd ] || fail "a failed import left x.npyd behind"
"$sheaf" import m.txt x.npyd --quiet
expect 1 'exists already' import m.txt x.npyd
"$sheaf" import steps.csv x.npyd --replace --quiet
expect 2 'unknown kind of file "cvs" (did you mean csv?' export x.npyd out.cvs
expect 1 'no summaries' export x.npyd out.csv --what summaries
expect 1 'nope' export x.npyd out.csv --what nope
expect 1 '' info nowhere.npyd
expect 2 'exclude each other' show x.npyd --csv --json
expect 2 'is not A:B:K' show x.npyd --time 5:2
expect 2 'only time' summary x.npyd --by year
expect 1 'must lie in' summary x.npyd --quantiles 1.5
[ ! -e out.cvs ] || fail "an export that failed left something behind"
status=0
"$sheaf" show x.npyd --csv >/dev/full 2>said || status=$?
[ "$status" = 1 ] || fail "a full output: status $status"
# Ids to the limits of int64, exact, by growing id.
printf 'id,a\n9223372036854775807,1\n-9223372036854775808,2\n9007199254740993,3\n-1,4\n' >limits.csv
"$sheaf" import limits.csv limits.npyd --as trajectories --name v --no-summaries --quiet
said=$("$sheaf" show limits.npyd v --csv | cut -d, -f1 | tr '\n' ' ')
[ "$said" = "trajectory -9223372036854775808 -1 9007199254740993 9223372036854775807 " ] || fail "ids at the limits: $said"
"$sheaf" show limits.npyd v --id -9223372036854775808 --csv | grep -q '^-9223372036854775808,2' || fail "the least id is not found"
printf 'id,a\n9223372036854775808,1\n' >beyond.csv
expect 1 'no whole number of 64 bits' import beyond.csv x.zarr --as trajectories
printf 'a,b\n' >header.csv
expect 1 'no rows: header.csv' import header.csv x.zarr
printf '1,,3\n1,2,3\n' >hole.csv
expect 1 'line 1, column 2: the cell is empty' import hole.csv x.zarr
# A directory where the export should go, and one that cannot be written.
mkdir folder.csv
expect 1 'folder.csv' export x.npyd folder.csv --what steps
echo "imported and exported in: $formats"
