#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Broken stores: one clear line each, exit status 3 of verify and repair where data is damaged, folders that cannot be written to.
# shellcheck source=tests/cli/common.sh
. "$(dirname "$0")/common.sh"
flip() { # FILE OFFSET
    printf "\\x$(printf %02x $(($(od -An -tu1 -j "$2" -N 1 "$1") ^ 16)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
make() { "$sheaf" simulate gbm "$1" -n 300 --steps 20 --replace --quiet 2>/dev/null; }

if has zarr; then
    make a.zarr
    tells 0 'a.zarr: everything committed is whole' verify a.zarr
    printf '{"zarr_format": 3, "node_type": "gro' >a.zarr/zarr.json
    tells 3 'zarr.json: not valid JSON' info a.zarr
    tells 3 'zarr.json' verify a.zarr
    tells 3 'cannot be repaired; each array is whole by itself and can be opened as a.zarr/ARRAY' repair a.zarr
    tells 0 '300' info a.zarr/price
    make a.zarr
    flip "$(find a.zarr/price -name 0 -type f)" 20000
    tells 3 'array price' verify a.zarr
    tells 3 'array price' export a.zarr a.csv --what price
    tells 3 'array price' repair a.zarr
    tells 0 'whole' verify a.zarr
    rm a.zarr/price/zarr.json
    tells 3 'price' verify a.zarr
    tells 0 'whole again, 0' repair a.zarr
    tells 0 'whole' verify a.zarr
    echo '{bad' >a.zarr/price/zarr.json
    tells 3 'price' verify a.zarr
    tells 0 'whole again, 0' repair a.zarr
    tells 0 'whole' verify a.zarr
fi
if has npy; then
    make a.npyd
    flip a.npyd/price.npy 20000
    tells 3 'price.npy' verify a.npyd
    tells 3 'price.npy' repair a.npyd
    tells 0 'whole' verify a.npyd
    flip a.npyd/price.npy 20
    tells 3 'price.npy' info a.npyd
    tells 3 'price.npy' verify a.npyd
    tells 0 'whole again, 0' repair a.npyd
    tells 0 'whole' verify a.npyd
    make a.npyd
    echo '{bad' >a.npyd/sheaf.json
    tells 3 'sheaf.json: .*cannot be repaired; each .npy file' repair a.npyd
    make a.npyd
    rm a.npyd/sheaf.len
    tells 3 'sheaf.len' verify a.npyd
fi
if has hdf5; then
    make a.h5
    flip a.h5 20000
    tells 3 'array ' verify a.h5
    tells 3 'array ' repair a.h5
    tells 0 'whole' verify a.h5
    truncate -s 30000 a.h5
    tells 3 'a.h5: expected [0-9]* bytes, the file has 30000' info a.h5
    tells 3 'a.h5: expected' verify a.h5
    printf 'not an HDF5 file, though it is named so' >b.h5
    tells 1 'b.h5' repair b.h5
    make c.h5
    size=$(stat -c %s c.h5)
    cp c.h5 d.h5
    dd if=/dev/zero of=d.h5 bs=512 count=1 conv=notrunc status=none
    tells 3 'd.h5: the superblock at byte 0 is damaged' info d.h5
    tells 3 'superblock' verify d.h5
    tells 3 'the superblock was damaged, and was made again' repair d.h5
    tells 0 'whole' verify d.h5
    cp c.h5 d.h5
    flip d.h5 20
    tells 3 'superblock' repair d.h5
    tells 0 'whole' verify d.h5
    cmp c.h5 d.h5 || fail 'a repaired superblock gives another file'
    # A store of an older version has no seals.
    cp c.h5 d.h5
    for seal in 48 $((size - 64)); do dd if=/dev/zero of=d.h5 bs=1 seek=$seal count=64 conv=notrunc status=none; done
    tells 0 'whole' verify d.h5
    for back in 200 1500 3000 6000; do
        cp c.h5 d.h5
        flip d.h5 $((size - back))
        status=0
        "$sheaf" info d.h5 >out 2>said || status=$?
        [ "$(wc -l <said)" -le 1 ] || fail "d.h5, byte -$back: more than one line: $(cat said)"
    done
fi
# The tail log of a writer that was killed: the end that its death cut short is no damage, a frame that others follow is.
kill_one() { # STORE LOG
    rm -rf "$1" "$2"
    "$sheaf" simulate gbm "$1" -n 100000000 --steps 20 --commit-every 50 --quiet 2>/dev/null &
    local pid=$!
    for _ in $(seq 200); do
        [ "$(stat -c %s "$2" 2>/dev/null || echo 0)" -gt 300000 ] && break
        sleep .02
    done
    kill -KILL $pid
    wait $pid 2>/dev/null || true
}
for s in zarr h5; do
    [ $s = zarr ] || has hdf5 || continue
    has zarr || [ $s = h5 ] || continue
    log=k.h5.sheaf-log
    [ $s = h5 ] || log=k.zarr/.sheaf-log
    for at in 20 30000 200000; do
        kill_one k.$s $log
        tells 0 'whole' verify k.$s
        flip $log $at
        tells 3 'tail log is damaged' verify k.$s
        tells 3 'tail log is damaged: what was committed behind [0-9]* records of "trajectory"' repair k.$s
        tells 0 'whole' verify k.$s
    done
    kill_one k.$s $log
    # As if it had died while it wrote one more frame over the zeros at the end.
    printf '\x40\x42\x0f\0\0\0\0\0abcdefgh' | dd of=$log bs=1 seek=$(($(stat -c %s $log) - 8)) conv=notrunc status=none
    tells 0 'whole' verify k.$s
    tells 0 'whole again, 0' repair k.$s
done
# Verified beside a writer that makes one checkpoint after the other, and after it was killed within one: nothing is damaged.
for s in zarr h5 npyd; do
    case $s in zarr) has zarr ;; h5) has hdf5 ;; npyd) has npy ;; esac || continue
    for _ in 1 2 3; do
        rm -rf live.$s live.$s.sheaf-log
        "$sheaf" simulate insurance live.$s -n 100000000 --commit-every 20 --checkpoint-every 20ms --quiet 2>/dev/null &
        pid=$!
        for _ in $(seq 100); do [ -e live.$s ] && break || sleep .02; done
        for _ in 1 2 3 4 5; do tells 0 'whole' verify live.$s; done
        kill -KILL $pid
        wait $pid 2>/dev/null || true
        tells 0 'whole' verify live.$s
        tells 0 'whole again, 0' repair live.$s
    done
done
tells 1 'nothere.zarr' verify nothere.zarr
mkdir empty.zarr
tells 1 'empty.zarr' verify empty.zarr

# A folder that cannot be written to (root may write everywhere).
mkdir closed
chmod a-w closed
if [ "$(id -u)" != 0 ]; then
    for s in zarr npyd h5; do tells 1 'closed' simulate gbm closed/a.$s -n 10 --quiet; done
fi
tells 1 'No such file' simulate gbm nowhere/a.zarr -n 10 --quiet
touch file
tells 1 'Not a directory' simulate gbm file/a.zarr -n 10 --quiet
