#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What it takes to import subscribers: bench/subscriber_import.sh build/src/cmd/redoubt [HOW_MANY]
set -eu
binary=$1 n=${2:-1000000}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
awk -v n="$n" 'BEGIN {
    print "imsi,k,opc,dnn,slice"
    for (i = 0; i < n; i++)
        printf "00101%010d,465b5ce8b199b49faa5f0a2e%08x,e8ed289deba952e4283b54e8%08x,internet,1\n", i, i, i * 7
}' > "$folder/subscribers.csv"
"$binary" subscriber import "$folder/subscribers.csv" --store "$folder/store.db"
ls -l "$folder/store.db" | awk '{ print $5 " octets on disk" }'
