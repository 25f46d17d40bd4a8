#!/bin/bash
# SPDX-License-Identifier: MIT
# survives.sh RUNS RANKS MPIRUN UTS TREE [option of mpirun...]
# A tree search on so many ranks of one worker, of which one other than rank 0 is killed at a random
# moment, again and again: each time rank 0 has the exact count, ends with 0, and a line says what was
# lost and run again. Prints a line for each run; the exit code is 0 if all were so. SEED=n: the moments.

runs=$1 ranks=$2 mpirun=$3 uts=$4 tree=$5
shift 5
RANDOM=${SEED:-1}

dir=$(mktemp -d -p /dev/shm torc.XXXXXX 2>/dev/null || mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' HUP INT TERM
log=$dir/log
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 TORC_WORKERS=1 TORC_SURVIVE=1
export OMPI_MCA_orte_tmpdir_base=$dir OMPI_MCA_btl_vader_backing_directory=$dir
export OMPI_MCA_hwloc_base_binding_policy=none

milliseconds() { date +%s%3N; }

# start [option...]: the job, in the background; returns when rank 0 begins.
start() {
  # shellcheck disable=SC2016 # for the shell of rank 0
  TORC_STATS=1 timeout -k 5 300 "$mpirun" --enable-recovery --oversubscribe "$@" -n "$ranks" sh -c '
      [ "$OMPI_COMM_WORLD_RANK" = 0 ] || exec "$@"
      "$@"
      echo "rank 0 ends with $?"' sh "$uts" "$tree" >"$log" 2>&1 </dev/null &
  job=$!
  while kill -0 $job 2>/dev/null && ! grep -q 'TORC: main starts' "$log"; do sleep 0.05; done
  begin=$(milliseconds)
}

# kill_rank N: whether it was there to be killed.
kill_rank() {
  local pid
  for pid in $(pgrep -P "$(pgrep -P $job)" 2>/dev/null); do
    if tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -qx "OMPI_COMM_WORLD_RANK=$1"; then
      kill -KILL "$pid"
      return
    fi
  done
  return 1
}

start "$@"
wait $job
length=$(($(milliseconds) - begin))
echo "undisturbed: $length ms"

bad=0 run=0
while ((run < runs)); do
  victim=$((1 + RANDOM % (ranks - 1))) moment=$(((RANDOM * 32768 + RANDOM) % length))
  start "$@"
  sleep "$(printf '%d.%03d' $((moment / 1000)) $((moment % 1000)))"
  killed=$(kill_rank $victim && ! grep -q 'published counts' "$log" && echo yes)
  wait $job
  [[ -n $killed ]] || continue # it was over already: another moment
  run=$((run + 1))
  found=$(grep 'equal to the published counts' "$log") code=$(grep '^rank 0 ends with' "$log")
  lost=$(grep '^torc: lost' "$log")
  echo "$run: rank $victim killed after $moment ms of $(($(milliseconds) - begin)): ${found:-WRONG}; ${code:-rank 0 does not end}; ${lost:-no line}"
  if [[ -z $found || $code != 'rank 0 ends with 0' || $lost != 'torc: lost 1 of '* ]]; then
    bad=$((bad + 1))
    cat "$log"
  fi
done
echo "$runs runs, $bad of them bad"
((bad == 0))
