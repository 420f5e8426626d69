#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Repair of .npyd stores whose files were cut: rows that are there are kept, what is filled is told, and lengths that nothing bears out are
# refused before anything is written.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
has npy || exit 0
le() { # VALUE BYTES: as hexadecimal digits, the low byte first
    local i
    for ((i = 0; i < $2; i++)); do printf '%02x' $(($1 >> (8 * i) & 255)); done
}
crc32c() { # HEX
    local crc=$((0xffffffff)) i
    for ((i = 0; i < ${#1}; i += 2)); do
        crc=$((crc ^ 16#${1:i:2}))
        for _ in 1 2 3 4 5 6 7 8; do crc=$((crc & 1 ? (crc >> 1) ^ 0x82f63b78 : crc >> 1)); done
    done
    echo $((crc ^ 0xffffffff))
}
# claim STORE ROWS: sheaf.len says, with a true checksum, that so many rows were committed. The slot: "SHL1", 1 length, a sequence, the length.
claim() {
    local slot
    slot=53484c31$(le 1 4)$(le 100 8)$(le "$2" 8)
    slot+=$(le "$(crc32c "$slot")" 4)
    printf "$(sed 's/../\\x&/g' <<<"$slot")" | dd of="$1/sheaf.len" conv=notrunc status=none
}
values() { "$sheaf" export "$1" "$2" --what price 2>/dev/null || fail "export of $1 fails"; }
sums() { (cd "$1" && sha256sum ./*); }
kib() { du -sk "$1" | cut -f1; }
# unmended STORE PATTERN: repair says so; it changes no byte, and takes no room.
unmended() {
    local before room
    before=$(sums "$1")
    room=$(kib "$1")
    tells 3 "$2" repair "$1"
    [ "$before" = "$(sums "$1")" ] || fail "a refused repair of $1 changes files"
    [ "$(kib "$1")" -le "$room" ] || fail "a refused repair of $1 takes $(kib "$1") KiB, before $room"
}
fresh() { rm -rf a.npyd && cp -r whole.npyd a.npyd; }

# 20 values of 8 bytes are a row: 20,000 rows are 3.05 MiB after a header of 256 bytes, and have checksums by MiB.
"$sheaf" simulate gbm whole.npyd -n 20000 --steps 20 --quiet 2>/dev/null
values whole.npyd whole.csv

# Cut within the third MiB: rows of whole blocks before are kept, what was there of the cut block cannot be vouched for, the rest is gone.
fresh
truncate -s $((256 + 15000 * 160 + 7)) a.npyd/price.npy
tells 3 'price.npy: expected 3200256 bytes for 20000 rows, got 2400263' info a.npyd
tells 3 'price.npy' verify a.npyd
tells 3 'price.npy: of 20000 rows only 15000 were there, the others are fill values now' repair a.npyd
grep -q 'price.npy: bytes 2097408 to 3145984 have checksum' out || fail "the cut block is not told: $(cat out)"
grep -q '2 things given up' out || fail "not 2 things: $(cat out)"
tells 0 'whole' verify a.npyd
values a.npyd a.csv
kept=$((2097152 / 160))
[ "$(wc -l <a.csv)" = "$(wc -l <whole.csv)" ] || fail 'a repaired store has another number of rows'
cmp <(head -n "$kept" a.csv) <(head -n "$kept" whole.csv) || fail 'rows before the cut are not kept'
tail -n +$((kept + 3)) a.csv | grep -qv '^[0-9]*\(,nan\)*$' && fail 'rows behind the cut are not fill values'
tells 0 'whole again, 0 things' repair a.npyd

# Cut within its header, and to nothing.
for size in 100 0; do
    fresh
    truncate -s $size a.npyd/price_mean.npy
    tells 3 'price_mean.npy' info a.npyd
    tells 3 'price_mean.npy: of 20000 rows only 0 were there' repair a.npyd
    tells 0 'whole' verify a.npyd
    cmp a.npyd/price.npy whole.npyd/price.npy || fail 'repair of a file changes another'
    values a.npyd a.csv
    cmp a.csv whole.csv || fail 'repair of a file changes what another says'
done

# Without checksums too it is told what was filled, and all that is there is kept.
fresh
rm a.npyd/sheaf.sum
truncate -s $((256 + 15000 * 160)) a.npyd/price.npy
tells 3 'only 15000 were there' repair a.npyd
grep -q '1 things given up' out || fail "not 1 thing: $(cat out)"
cmp -n $((256 + 15000 * 160)) a.npyd/price.npy whole.npyd/price.npy || fail 'rows before the cut are not kept'

# What a .npy file says by itself of its rows does not count.
fresh
LC_ALL=C sed -i '1s/(20000, 20), } /(1000000000, 20), } /; 1s/ \{5\}$//' a.npyd/price.npy
[ "$(stat -c %s a.npyd/price.npy)" = 3200256 ] || fail 'the header of the test has another size'
tells 0 'whole again, 0 things' repair a.npyd
cmp a.npyd/price.npy whole.npyd/price.npy || fail 'a header that claims more is not made again'

# A length of 10^15 rows.
fresh
claim a.npyd 1000000000000000
tells 3 'expected' info a.npyd
unmended a.npyd '1000000000000000 rows are claimed, 20000 are there, and no other array of the table holds as many: not repaired'
# Nor is anything mended when one file of several is refused.
truncate -s 300 a.npyd/trajectory.npy
unmended a.npyd 'rows are claimed'
# More than can be counted in bytes.
claim a.npyd 2000000000000000000
unmended a.npyd 'a.npyd/sheaf.len: rows of more bytes than a file can have'

# Holes bear out nothing: another file of that size, but with no more in it than before.
fresh
rows=100000000
claim a.npyd $rows
for name in length price_total price_mean price_std price_min price_max price_final trajectory; do
    truncate -s $((256 + rows * 8)) a.npyd/$name.npy
done
[ "$(kib a.npyd)" -lt 20000 ] || { echo 'this file system has no holes: the rest is left out'; exit 0; }
tells 3 'price.npy: 100000000 rows are claimed, 20000 are there' repair a.npyd
[ "$(kib a.npyd)" -lt 20000 ] || fail "a claim by holes fills the disk: $(kib a.npyd) KiB"
[ "$(stat -c %s a.npyd/price.npy)" = 3200256 ] || fail 'a claim by holes changes the file'

# A file that is there bears out the length, whatever is missing: 500,000 rows are 80 MB.
"$sheaf" simulate gbm b.npyd -n 500000 --steps 20 --quiet 2>/dev/null
truncate -s 1000000 b.npyd/price.npy
tells 3 'of 500000 rows only 6248 were there' repair b.npyd
tells 0 'whole' verify b.npyd
