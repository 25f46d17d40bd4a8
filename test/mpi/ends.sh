#!/bin/sh
# SPDX-License-Identifier: MIT
# ends.sh CODE SECONDS PATTERN COMMAND [argument...]
# The command ends within so many seconds with that exit code, or with `failure` for any but 0, and
# exactly one of its lines that begin with "torc:" matches the extended regular expression.
# mpirun.sh has seen no file that is left behind.

code=$1 seconds=$2 pattern=$3
shift 3

begin=$(date +%s)
output=$("$@" 2>&1)
status=$?
spent=$(($(date +%s) - begin))
printf '%s\n' "$output"

failed() {
  echo "$*"
  exit 1
}
[ "$spent" -le "$seconds" ] || failed "it took $spent seconds"
case $code in
failure) [ "$status" -ne 0 ] || failed "the exit code is 0" ;;
*) [ "$status" -eq "$code" ] || failed "the exit code is $status" ;;
esac
case $output in *'left behind'*) failed "files are left behind" ;; esac
lines=$(printf '%s\n' "$output" | grep '^torc:' | grep -cE -- "$pattern")
[ "$lines" -eq 1 ] || failed "$lines lines match $pattern"
