#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# sheaf convert: every format into every other with equal values, thinning, types, and what is refused.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
# refuse STATUS TEXT ARGS...: as refused.
refuse() {
    local want=$1 text=$2
    shift 2
    refused "$want" "$text" convert "$@" --quiet
}
convert() { "$sheaf" convert "$@" --quiet || fail "sheaf convert $*: status $?"; }
attributes() { "$sheaf" info "$1" | grep '^attributes:'; }

# Trajectories, ragged, with absent ruin years, and steps with a last one off the stride.
"$sheaf" simulate insurance from.zarr -n 700 --steps 50 --every 5 --keep-last --quiet
"$sheaf" simulate ou steps.zarr -n 9 --steps 23 --every 2 --order step --keep-last --quiet
grep -q ',,' <("$sheaf" show from.zarr --csv) || fail "no trajectory survives: the test would not see absent values"
for first in h5 npyd zarr; do
    convert from.zarr "a.$first"
    convert steps.zarr "s.$first"
    for second in h5 npyd zarr; do
        convert "a.$first" "b-$first.$second" --codec none
        convert "s.$first" "t-$first.$second"
        cmp <("$sheaf" show from.zarr --csv) <("$sheaf" show "b-$first.$second" --csv)
        cmp <("$sheaf" show from.zarr time --csv) <("$sheaf" show "b-$first.$second" time --csv)
        cmp <(attributes from.zarr) <(attributes "b-$first.$second")
        cmp <("$sheaf" export from.zarr a.csv --quiet && cat a.csv) <("$sheaf" export "b-$first.$second" b.csv --quiet && cat b.csv)
        cmp <("$sheaf" show steps.zarr --csv) <("$sheaf" show "t-$first.$second" --csv)
        cmp <("$sheaf" show steps.zarr trajectory --csv) <("$sheaf" show "t-$first.$second" trajectory --csv)
        [ -z "$(ls -d ./*.sheaf* 2>/dev/null)" ] || fail "a sidecar was left behind"
    done
done

# Thinning along time equals what would have been stored at the larger interval; a converted store can be resumed like the original.
"$sheaf" simulate insurance direct.zarr -n 700 --steps 50 --every 10 --keep-last --quiet
convert from.zarr thin.h5 --every 2
cmp <("$sheaf" show direct.zarr --csv) <("$sheaf" show thin.h5 --csv)
cmp <(attributes direct.zarr) <(attributes thin.h5)
"$sheaf" simulate ou every6.zarr -n 9 --steps 23 --every 6 --order step --keep-last --quiet
convert steps.zarr every6.npyd --every 3
cmp <("$sheaf" show every6.zarr --csv) <("$sheaf" show every6.npyd --csv)
grep -q '"sheaf_last_iteration":22' <(attributes every6.npyd) || fail "the last step is not said to be off the stride"
convert every6.npyd every12.zarr --every 2
[ "$("$sheaf" show every12.zarr time --csv | wc -l)" = 4 ] || fail "0, 12 and 22 were to stay"

# Types: values become f64 or f32, coordinates and summaries stay.
convert from.zarr wide.zarr --dtype f64
[ "$("$sheaf" info wide.zarr | grep -E '^(annual_losses|assets|assets_last) ' | grep -c float64)" = 3 ] || fail "not all values are f64"
cmp <("$sheaf" export from.zarr a.csv --quiet && cat a.csv) <("$sheaf" export wide.zarr b.csv --quiet && cat b.csv)
convert wide.zarr narrow.zarr --dtype f32
[ "$("$sheaf" info narrow.zarr | grep -cE '^(final_assets|growth_rate) +float64')" = 2 ] || fail "summaries changed their type"

# Little memory is enough.
convert from.zarr little.zarr --memory 48M --threads 0
cmp <("$sheaf" show from.zarr --csv) <("$sheaf" show little.zarr --csv)

# What is refused, with nothing left behind.
refuse 1 "there is no store at none.zarr" none.zarr x.zarr
refuse 1 "exists already" from.zarr a.h5
refuse 1 "the same" from.zarr from.zarr --replace
refuse 1 "the same" from.zarr ./from.zarr/ --replace
refuse 1 "known: zarr, hdf5, npy" from.zarr x.foo
refuse 2 "--every 0" from.zarr x.zarr --every 0
refuse 2 "neither f32 nor f64" from.zarr x.zarr --dtype i32
refuse 1 "\"depth\"" from.zarr x.zarr --every 2 --along depth
refuse 2 "--resume" from.zarr x.zarr --resume
refuse 2 "--at-limit: only stop" from.zarr x.zarr --at-limit summaries
for verb in convert merge; do
    ! "$sheaf" $verb --help | grep -e '--resume' -e '--at-limit' || fail "$verb offers what it refuses"
done
expect 2 "--at-limit: only stop" loss store nothing.bin x.zarr --at-limit summaries
refuse 4 "it needs a larger --disk" from.zarr x.zarr --disk 8K
refuse 2 "unknown codec" from.zarr x.zarr --codec none1
[ ! -e x.zarr ] || fail "something was left of a refused conversion"
cmp <("$sheaf" show from.zarr --csv) <("$sheaf" show a.h5 --csv)
convert from.zarr a.h5 --replace
