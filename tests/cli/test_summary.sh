#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# sheaf summary: the same exact figures whatever the memory, one row for each step, charts, JSON.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
"$sheaf" simulate insurance run.npyd -n 60000 --steps 12 --seed 11 2>/dev/null
q=.001,.01,.25,.5,.75,.99,.999
"$sheaf" summary run.npyd --json --quantiles $q >large.json
"$sheaf" summary run.npyd --json --quantiles $q --memory 2M >small.json # 720,000 values of each series: 5.5 MiB
cmp large.json small.json || fail "less memory gives other figures"
"$sheaf" summary run.npyd --json --quantiles $q --by time --memory 2M >small.json
"$sheaf" summary run.npyd --json --quantiles $q --by time >large.json
cmp large.json small.json || fail "less memory gives other figures by time"
[ "$(grep -c '"variable": "assets"' large.json)" = 12 ] || fail "not one row for each step: $(grep -c '"variable": "assets"' large.json)"
[ "$(grep -c '"ruin": "within' large.json)" = 12 ] || fail "not one horizon for each year"
"$sheaf" summary run.npyd --chart | grep -q '█' || fail "no histogram"
"$sheaf" summary run.npyd --chart --by time --variable assets | grep -q '━' || fail "no fan chart"
"$sheaf" summary run.npyd | grep -q '^growth per step' || fail "no growth"
"$sheaf" summary run.npyd --variable assets | grep -q '^assets' || fail "no row for the variable asked for"
status=0
"$sheaf" summary run.npyd --variable nope 2>said || status=$?
[ "$status" = 1 ] && grep -q nope said || fail "an unknown variable: $status, $(cat said)"
status=0
"$sheaf" summary run.npyd --format nyp 2>said || status=$?
[ "$status" = 2 ] && grep -q 'did you mean npy?' said || fail "an unknown format: $status, $(cat said)"
# An empty store has nothing to say, and says so without a fault.
"$sheaf" simulate insurance empty.npyd -n 1 --steps 1 2>/dev/null
"$sheaf" summary empty.npyd --json --by time >/dev/null
echo "summaries agree"
