#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# near.sh SECONDS COMMAND [argument...]
# Of what ranks steal on two hosts with two ranks each, more comes from their own host.
set -euo pipefail

seconds=$1
shift
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
output=""
for _ in 1 2 3 4 5; do # where others disturb, one run says little
  output+=$(bash "$here/hosts.sh" 2 2 "$seconds" "$@" 2>&1)$'\n' ||
    { code=$?; echo "$output"; exit "$code"; }
done
echo "$output"
awk '$1 == "torc:" && $2 ~ /^[0-9]+$/ { near += $7; far += $8 }
     END { print near " near, " far " far"; exit !(near > far) }' <<<"$output"
