#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The verbs of loss streams on small streams made here, and on real ones when they are there.
set -u
sheaf=${SHEAF:?path of the command}
build=${SHEAF_BUILD:?folder of the build}
source=${SHEAF_SOURCE:?folder of the sources}
data=${SHEAF_DATA:-$source/../shared/data}
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
same() { cmp -s "$1" "$2" || fail "$3: $1 and $2 differ"; }
# status WANTED COMMAND...: its output goes to out and err.
status() {
    local wanted=$1 got
    shift
    "$@" >out 2>err
    got=$?
    [ "$got" -eq "$wanted" ] || fail "$*: exit status $got instead of $wanted: $(cat err)"
}

# A stream from text, with what real ones hold.
cat >gul.csv <<'END'
event_id,item_id,sidx,loss
1,1,-5,1000
1,1,-4,0.25
1,1,-3,1000
1,1,-2,12.5
1,1,-1,10.25
1,1,1,0
1,1,2,7.5
1,1,3,0.1
1,2,0,0
2,1,3,5
2,1,1,-0
2,1,2,nan
2,1,-1,-4
2,3,1,inf
END
"$sheaf" loss bin gul.csv >gul.bin || fail "bin"
[ "$(wc -c <gul.bin)" -eq $((8 + 4 * 16 + 13 * 8)) ] || fail "bin: $(wc -c <gul.bin) bytes"
"$sheaf" loss csv gul.bin >back.csv || fail "csv"
same gul.csv back.csv "text of the stream of a text"
"$sheaf" loss csv gul.bin | "$sheaf" loss bin - | cmp - gul.bin || fail "through pipes"
"$sheaf" loss csv --decimals 2 gul.bin >two.csv
grep -q '^1,1,3,0.10$' two.csv || fail "two decimals"
grep -q ',0,0' two.csv && fail "two decimals: lines for the ends"

# Exact.
"$sheaf" loss cat gul.bin | cmp - gul.bin || fail "cat"
head -c -8 gul.bin >open.bin
"$sheaf" loss cat open.bin 2>err | cmp - open.bin || fail "cat without the last delimiter"
grep -q 'without the delimiter' err || fail "the missing delimiter is not told"
"$sheaf" loss csv --exact open.bin 2>/dev/null | "$sheaf" loss bin - | cmp - open.bin || fail "exact text"
"$sheaf" loss cat - <gul.bin | cmp - gul.bin || fail "cat -"

# Canonical.
cat >canonical.csv <<'END'
event_id,item_id,sidx,loss
1,1,-5,1000
1,1,-4,0.25
1,1,-3,1000
1,1,-1,10.25
1,1,2,7.5
1,1,3,0.1
1,2,-5,0
1,2,-3,0
1,2,-1,0
2,1,-5,0
2,1,-3,0
2,1,-1,-4
2,1,3,5
2,3,-5,0
2,3,-3,0
2,3,-1,0
2,3,1,inf
END
"$sheaf" loss cat --canonical gul.bin | "$sheaf" loss csv - >out.csv
same canonical.csv out.csv "canonical"
"$sheaf" loss cat --canonical gul.bin >canonical.bin
"$sheaf" loss cat --canonical canonical.bin | cmp - canonical.bin || fail "canonical twice"

# Policies.
printf '1,1,1,5\n1,1,2,0\n1,1,2,6\n' >duplicate.csv
"$sheaf" loss bin --samples 1 duplicate.csv >duplicate.bin
status 1 "$sheaf" loss cat --canonical duplicate.bin
grep -q 'event 1, item 1 has sidx 2 twice' err || fail "a duplicate: $(cat err)"
status 0 "$sheaf" loss cat --canonical --lenient duplicate.bin
status 1 "$sheaf" loss cat --canonical --lenient --strict duplicate.bin
grep -q 'sidx 2, but the stream has 1 samples' err || fail "above: $(cat err)"
status 3 "$sheaf" loss cat --canonical --strict open.bin
status 0 "$sheaf" loss cat --canonical --known-items 1-3 gul.bin
status 1 "$sheaf" loss cat --canonical --known-items 1,2 gul.bin
grep -q 'item 3' err || fail "an unknown item: $(cat err)"

# Parts, index, several inputs.
"$sheaf" loss cat gul.bin --event 2 --item 1-2 | "$sheaf" loss csv --no-header - | cut -d, -f1,2 | sort -u >part
[ "$(cat part)" = 2,1 ] || fail "cat of a part: $(cat part)"
printf '1,8\n2,88\n1,104\n3,152\n' >expected
"$sheaf" loss index gul.bin >idx
same expected idx "index"
"$sheaf" loss index --binary gul.bin >idx.bin
[ "$(od -An -t d4 -j 12 -N 4 idx.bin | tr -d ' ')" = 2 ] && [ "$(od -An -t d8 -j 16 -N 8 idx.bin | tr -d ' ')" = 88 ] || fail "binary index"
"$sheaf" loss cat --merge gul.bin gul.bin | "$sheaf" loss csv --no-header - | cut -d, -f1 | uniq | tr '\n' ' ' >events
[ "$(cat events)" = "1 2 " ] || fail "merge: events $(cat events)"
"$sheaf" loss cat --interleave gul.bin gul.bin | "$sheaf" loss info --json - | grep -q '"packets": 8,' || fail "interleave"
"$sheaf" loss bin --samples 9 gul.csv >nine.bin
status 1 "$sheaf" loss cat --merge gul.bin nine.bin
grep -q 'gul.bin.*nine.bin' err || fail "inputs that do not agree: $(cat err)"

# Info.
"$sheaf" loss info --json gul.bin >info
for part in '"packets": 4,' '"distinct_events": 2,' '"nan": 1,' '"negative": 1,' '"infinite": 1,' '"explicit_zeros": 2,' '"packets_unordered": 1,'; do
    grep -q "$part" info || fail "info: no $part in $(cat info)"
done

# A cut at every byte: an error that names the place, unless the stream may end there.
size=$(wc -c <gul.bin)
for ((cut = 0; cut < size; cut += 3)); do
    head -c "$cut" gul.bin >cut.bin
    wanted=3
    [ "$cut" -ge 8 ] && [ $(((cut - 8) % 8)) -eq 0 ] && wanted=0
    status "$wanted" "$sheaf" loss cat cut.bin
    [ "$wanted" -eq 0 ] || grep -q "byte $cut" err || fail "cut at $cut: $(cat err)"
    [ "$cut" -lt 8 ] || "$sheaf" loss cat --recover cut.bin 2>/dev/null | "$sheaf" loss info - >/dev/null 2>&1 || fail "recover at $cut"
done

# Stores: byte for byte, parts, appending, in a pipe.
for format in zarr h5 npyd; do
    for stream in gul open canonical; do
        "$sheaf" loss store --replace $stream.bin s.$format 2>/dev/null || fail "store $stream.bin s.$format"
        "$sheaf" loss cat s.$format | cmp - $stream.bin || fail "$stream.bin through s.$format"
    done
done
rm -rf s.zarr
"$sheaf" loss store --tee - s.zarr <gul.bin | cmp - gul.bin || fail "tee"
"$sheaf" loss cat s.zarr --event 2 >part.bin
"$sheaf" loss cat gul.bin --event 2 | cmp - part.bin || fail "an event of a store"
"$sheaf" loss cat s.zarr --item 1,3 >part.bin
"$sheaf" loss cat gul.bin --item 1,3 | cmp - part.bin || fail "items of a store"
status 1 "$sheaf" loss store gul.bin s.zarr
"$sheaf" loss store --append gul.bin s.zarr || fail "append"
{ cat gul.bin && tail -c +9 gul.bin; } >twice.bin
"$sheaf" loss cat s.zarr | cmp - twice.bin || fail "appended store"
status 1 "$sheaf" loss store --append nine.bin s.zarr
"$sheaf" loss cat s.zarr | cmp - twice.bin || fail "a refused stream changed the store"
"$sheaf" loss info --json s.zarr | grep -q '"packets": 8,' || fail "info of a store"
"$sheaf" loss cat --canonical s.zarr | "$sheaf" loss info --json - | grep -q '"packets": 8,' || fail "canonical form of a store"
head -c 60 gul.bin >cut.bin
status 3 "$sheaf" loss store cut.bin new.zarr
[ ! -e new.zarr ] || fail "a cut stream left a store"
status 0 "$sheaf" loss store --recover gul.bin cut.bin new.zarr
grep -q 'the last 52 bytes' err || fail "recovering: $(cat err)"
"$sheaf" loss cat new.zarr | cmp - gul.bin || fail "recovered store"
status 1 "$sheaf" loss store gul.csv other.zarr
[ ! -e other.zarr ] || fail "text left a store"

# Tables.
"$build/examples/example_loss_summary" <gul.bin >summary.bin || fail "the example"
"$sheaf" loss info --json summary.bin | grep -q '"source": 3' || fail "the example's stream"
"$sheaf" loss table melt summary.bin --qelt qelt.csv --quantiles .5 >melt.csv || fail "table"
[ "$(sed -n 3p melt.csv | cut -d, -f1-6)" = "1,1,2,,0.6666666666666666,2.5333333338300386" ] || fail "melt: $(sed -n 3p melt.csv)"
[ "$(sed -n 2p qelt.csv)" = "1,1,0.5,0.10000000149011612" ] || fail "qelt: $(sed -n 2p qelt.csv)"
printf 'event_id,rate\n1,0.5\n' >rates.csv
"$sheaf" loss table melt summary.bin --rates rates.csv | sed -n 2p | grep -q '^1,1,1,0.5,' || fail "rates"
status 1 "$sheaf" loss table melt gul.bin

# Usage and refusals.
status 2 "$sheaf" loss
status 2 "$sheaf" loss cet gul.bin
status 2 "$sheaf" loss csv
status 1 "$sheaf" loss info nothing.bin
status 1 "$sheaf" loss info gul.csv
status 0 "$sheaf" loss table --help
printf '1,1,1,1\n1,1\n' >bad.csv
status 1 "$sheaf" loss bin bad.csv
grep -q 'line 2' err || fail "a bad line: $(cat err)"

# Real streams.
if [ -d "$data" ]; then
    for stream in "$data"/*.bin "$data"/converters/*.bin; do
        "$sheaf" loss cat "$stream" | cmp - "$stream" || fail "$stream: cat"
        "$sheaf" loss csv "$stream" | "$sheaf" loss bin - | cmp - "$stream" || fail "$stream: through text"
    done
    "$sheaf" loss csv --decimals 2 "$data/converters/raw_guls.bin" | cmp - "$data/converters/raw_guls.csv" || fail "raw_guls.csv"
    "$sheaf" loss csv --decimals 2 --id-name output_id "$data/converters/raw_ils.bin" | cmp - "$data/converters/raw_ils.csv" || fail "raw_ils.csv"
    "$sheaf" loss cat --canonical "$data/converters/raw_ils.bin" | cmp - "$data/converters/raw_ils.bin" || fail "raw_ils.bin is canonical"
else
    echo "no real streams at $data: that part is left out"
fi
[ "$failures" -eq 0 ] && echo "loss: passed"
exit "$failures"
