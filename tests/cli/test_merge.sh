#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# sheaf merge: workers' records, ranks' columns, runs one after the other, and every difference refused by name.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
# refuse STATUS TEXT ARGS...: as refused, and no store left.
refuse() {
    local want=$1 text=$2
    shift 2
    refused "$want" "$text" merge "$@" --quiet
    [ ! -e no.zarr ] || fail "sheaf merge $*: something was left"
}
merge() { "$sheaf" merge "$@" --quiet || fail "sheaf merge $*: status $?"; }
import() { "$sheaf" import "$@" --quiet || fail "sheaf import $*: status $?"; }

# Workers: each has its own ids, in any order, in any format.
printf 'id,0,1,2\n7,1,2,3\n3,4,5,6\n' >w1.csv
printf 'id,0,1,2\n4,7,8,nan\n5,10,11,12\n' >w2.csv
printf 'id,0,1,2\n-2,13,14,15\n' >w3.csv
import w1.csv w1.zarr --as trajectories --name x
import w2.csv w2.h5 --as trajectories --name x
import w3.csv w3.npyd --as trajectories --name x
merge all.zarr w1.zarr w2.h5 w3.npyd
merge all.h5 w1.zarr w2.h5 w3.npyd --memory 64M --threads 0
for all in all.zarr all.h5; do
    [ "$("$sheaf" show "$all" x --csv)" = "$(printf 'trajectory,0,1,2\n-2,13,14,15\n3,4,5,6\n4,7,8,nan\n5,10,11,12\n7,1,2,3')" ] || fail "$all: $("$sheaf" show "$all" x --csv)"
    [ "$("$sheaf" show "$all" x_mean --csv | sed -n 2p)" = "-2,14" ] || fail "$all: summaries are not where their ids are"
done
merge one.npyd w1.zarr
cmp <("$sheaf" show one.npyd --csv) <("$sheaf" show w1.zarr --csv)

# An id that two stores have is told with both names; scattered and in runs.
printf 'id,0,1,2\n9,1,1,1\n5,1,1,1\n' >again.csv
import again.csv again.zarr --as trajectories --name x
refuse 1 "trajectory 5 is in w2.h5 and in again.zarr" no.zarr w1.zarr w2.h5 again.zarr
"$sheaf" simulate insurance big.zarr -n 300 --steps 5 --quiet 2>/dev/null
"$sheaf" simulate insurance big2.zarr -n 100 --steps 5 --quiet 2>/dev/null
refuse 1 "trajectory 0 is in big.zarr and in big2.zarr" no.zarr big.zarr big2.zarr
refuse 1 "given twice" no.zarr w1.zarr ./w1.zarr

# Differences of schema.
import w3.csv f32.zarr --as trajectories --name x --dtype f32
refuse 1 'array "x": its type is float64 in w1.zarr and float32 in f32.zarr' no.zarr w1.zarr f32.zarr
import w3.csv named.zarr --as trajectories --name y
refuse 1 'array "x_total": it is there in w1.zarr and missing in named.zarr' no.zarr w1.zarr named.zarr
printf 'id,0,1,2,3\n8,1,1,1,1\n' >longer.csv
import longer.csv longer.zarr --as trajectories --name x
refuse 1 'time is 3 in w1.zarr and 4 in longer.zarr' no.zarr w1.zarr longer.zarr
import w3.csv thin.zarr --as trajectories --name x --every 2
refuse 1 'w1.zarr' no.zarr w1.zarr thin.zarr
refuse 1 "both a source and the target" w1.zarr w1.zarr w3.npyd --replace
refuse 1 "exists already" all.zarr w1.zarr w3.npyd
refuse 1 "there is no store at none.zarr" no.zarr w1.zarr none.zarr
refuse 2 "merge" no.zarr
cmp <("$sheaf" show all.zarr --csv) <("$sheaf" show all.h5 --csv)

# What differs between the runs is kept, store by store.
"$sheaf" simulate ou s1.zarr -n 3 --steps 4 --order step --seed 1 --quiet 2>/dev/null
"$sheaf" simulate ou s2.h5 -n 2 --steps 4 --order step --seed 2 --quiet 2>/dev/null
refuse 1 "trajectory 0 is in s1.zarr and in s2.h5" no.zarr s1.zarr s2.h5
merge ranks.zarr s1.zarr s2.h5 --renumber
"$sheaf" info ranks.zarr --json >info.json
grep -q '"theta":' info.json || fail "a common attribute is lost"
grep -qF '"sheaf_merged_from":[{"store":"s1.zarr","attributes":{"seed":1}},{"store":"s2.h5","attributes":{"seed":2}}]' info.json || fail "$(cat info.json)"
variable=$("$sheaf" info s1.zarr | grep 'time, trajectory' | cut -d' ' -f1)
paste -d, <("$sheaf" show s1.zarr "$variable" --csv | tail -n +2) <("$sheaf" show s2.h5 "$variable" --csv | tail -n +2 | cut -d, -f2-) >want.csv
cmp want.csv <("$sheaf" show ranks.zarr "$variable" --csv | tail -n +2)
[ "$("$sheaf" show ranks.zarr --csv | head -n 1)" = "time,${variable}[0],${variable}[1],${variable}[2],${variable}[3],${variable}[4]" ] || fail "columns are not numbered anew"
merge ranks2.h5 s1.zarr s2.h5 --axis trajectory --renumber
cmp <("$sheaf" show ranks.zarr --csv) <("$sheaf" show ranks2.h5 --csv)
refuse 1 'has a dimension "depth"' no.zarr s1.zarr s2.h5 --axis depth

# Runs one after the other; never back in time.
printf 't,a,b\n0,1,2\n1,3,4\n' >t1.csv
printf 't,a,b\n2,5,6\n' >t2.csv
import t1.csv t1.zarr --name x
import t2.csv t2.zarr --name x
merge long.npyd t1.zarr t2.zarr
[ "$("$sheaf" show long.npyd x --csv | tail -n +2)" = "$(printf '0,1,2\n1,3,4\n2,5,6')" ] || fail "$("$sheaf" show long.npyd x --csv)"
refuse 1 "t2.zarr ends at time 2 and t1.zarr begins at 0" no.zarr t2.zarr t1.zarr
