#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# sheaf series: what it prints, which file it takes, the map, and what is refused with which status.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
# same EXPECTED ARGS...
same() {
    local want=$1 got
    shift
    got=$("$sheaf" series "$@") || fail "sheaf series $*: status $?"
    [ "$got" = "$want" ] || fail "sheaf series $*: got
$got
instead of
$want"
}

d=$work/data-series
mkdir "$d"
printf '1 2\t3\n4 5 6.5\n7 8 1e-20' >"$d/load.2030.txt"
printf '99\n' >"$d/load.txt"
printf '0.1,2\r\n3,-4\r\n' >"$d/crlf.csv"
printf '1\t2\n' >"$d/both.tsv"
printf '3,4\n' >"$d/both.csv"
printf 'nan,inf\n-inf,5\n' >"$d/odd.csv"
: >"$d/zero.txt"
printf '# map\nnorth, 0 = 3\nnorth, 1 = 1\n\nsouth, 0 = 2\nsouth, 2 = 1\n' >"$d/modeler-scenariobuilder.dat"
printf 'north, 0 = 2\n' >"$work/other.dat"

same $'time,0,1,2\n0,1,2,3\n1,4,5,6.5\n2,7,8,1e-20' "$d" load.2030
same $'time,0\n0,99' "$d" load --csv
same $'time,2,0,2\n1,6.5,4,6.5' "$d" load.2030 --time 1:2 --scenario 2,0,2 --csv
same $'time,0\n0,1\n2,7' "$d" load.2030 --time 0:3:2 --scenario 0
same $'time,1\n2,8' "$d" load.2030 --time 2 --scenario 1
same $'time,1\n1,5\n2,8' "$d" load.2030 --time 1: --scenario 1
same 'time,1' "$d" load.2030 --time 1:1 --scenario 1
same $'time,0,1\n0,0.1,2\n1,3,-4' "$d" crlf
same $'time,0,1\n0,1,2' "$d" both
same $'time,0,1\n0,nan,inf\n1,-inf,5' "$d" odd
same $'[\n  {"time": 0, "0": null, "1": null},\n  {"time": 1, "0": null, "1": 5}\n]' "$d" odd --json
same $'[\n  {"time": 1, "2": 6.5, "0": 4}\n]' "$d" load.2030 --time 1:2 --scenario 2,0,2 --json
same $'[\n]' "$d" load.2030 --time 1:1 --json

# The map: scenarios are Monte Carlo scenarios then, and the header says them.
same $'time,0,1\n0,3,1\n1,6.5,4\n2,1e-20,7' "$d" load.2030 --group north
same $'time,1,0,1\n0,1,3,1' "$d" load.2030 --group north --scenario 1,0,1 --time 0:1
same $'time,2\n0,1' "$d" load.2030 --group south --scenario 2 --time 0
same $'time,0\n0,2' "$d" load.2030 --group north --map "$work/other.dat" --time 0
same $'time,1\n0,2' "$d" load.2030 --map "$work/other.dat" --scenario 1 --time 0

refused 1 "group 'west' is unknown: the scenario map has 'north', 'south'" series "$d" load.2030 --group west
refused 1 "scenario 2 is out of range: group 'north' maps scenarios 0 to 1" series "$d" load.2030 --group north --scenario 2
refused 1 "scenario 1 is not mapped: a gap in group 'south'" series "$d" load.2030 --group south
refused 1 "scenario -1 is out of range" series "$d" load.2030 --group north --scenario -1
refused 1 "scenario -1 is negative" series "$d" load.2030 --scenario -1
refused 1 "scenario 3 is out of range 0 to 2" series "$d" load.2030 --scenario 0,3 --time 1:1
refused 1 "--time 2:4 is out of range, it has time steps 0 to 2" series "$d" load.2030 --time 2:4
refused 2 "--time 2:1" series "$d" load.2030 --time 2:1
refused 2 "--time -1" series "$d" load.2030 --time -1
refused 1 "neither wind.parquet nor .txt, .tsv or .csv in $d" series "$d" wind
refused 1 "$d/zero.txt: the file is empty (0 bytes)" series "$d" zero
refused 1 "$work/none.dat" series "$d" load.2030 --group north --map "$work/none.dat"
refused 2 "--csv and --json" series "$d" load --csv --json
refused 2 "" series "$d"
printf 'north 0 = 3\n' >"$work/bad.dat"
refused 1 "line 1: expected 'group, scenario = column'" series "$d" load.2030 --group north --map "$work/bad.dat"
printf '1 2\n3 x\n' >"$d/bad.txt"
status=0; said=$("$sheaf" series "$d" bad 2>&1 >/dev/null) || status=$?
[ "$status" = 1 ] || fail "a word among the numbers: status $status"
grep -q "line 2, column 2: 'x' is not a number" <<<"$said" || fail "$said"

"$sheaf" series --help | grep -q 'sheaf series data-series load.2030 --time 0:168'
status=0; "$sheaf" series "$d" load.2030 >/dev/full 2>/dev/null || status=$?; [ "$status" = 1 ] || fail "full output: status $status"
echo "series: files, times, scenarios, maps, refusals"
