#!/bin/sh
# SPDX-License-Identifier: MIT
# signalled.sh CODE NUMBER RANKS COMMAND...
# mpirun gets a signal while tasks on all ranks write to files: the exit code is that, one line says
# that the tasks are asked to stop, all files are complete, and no other file is left.

code=$1 number=$2 ranks=$3
shift 3
files=$(mktemp -d) || exit 1
trap 'rm -rf "$files"' EXIT
sh "$(dirname "$0")/ends.sh" "$code" 10 'the tasks are asked to stop' "$@" signalled "$number" "$files"
status=$?
complete=$(cat "$files"/* | grep -c '^begun ended$')
[ "$complete" -eq "$ranks" ] || {
  echo "$complete files are complete"
  exit 1
}
exit $status
