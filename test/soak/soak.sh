#!/bin/bash
# SPDX-License-Identifier: MIT
# soak.sh MINUTES SOAK MPIRUN
# Rounds of random programs until the time is over, or something is wrong: on ranks that are threads,
# without and with deaths, then under mpirun on 1 to 4 ranks, then there with a death. Of what went
# wrong the end is shown, with the seed, and all of it kept.

minutes=$1 soak=$2 mpirun=$3
mpi=$(dirname "$0")/../../cmake/mpirun.sh
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
limit=600 # s for a round under mpirun, which takes 3 to 60 by the load of the machine
trap 'exit 130' HUP INT TERM
seed=$((${SEED:-$(date +%s)} * 1000))

# round COMMAND...: it ends well, and says at its end that all programs agree.
round() {
  if ! "$@" >"$log" 2>&1 || ! grep -q '^soak: [0-9]* programs agree' "$log" ||
      grep -q '^soak: TORC_SEED' "$log"; then
    trap - EXIT
    tail -n 60 "$log"
    echo "failed: $* ($log)"
    exit 1
  fi
  echo "$(grep '^soak: ' "$log"): $*"
}

end=$(($(date +%s) + minutes * 60))
while (($(date +%s) < end)); do
  round "$soak" in_process 20 $seed
  round "$soak" deaths 10 $seed
  for ranks in 1 2 3 4; do
    round env TORC_WORKERS=2 sh "$mpi" "$mpirun" $ranks $limit "$soak" mpi 50 $((seed + ranks * 100))
  done
  round env TORC_WORKERS=2 TORC_SURVIVE=1 OMPI_MCA_orte_enable_recovery=1 \
    sh "$mpi" "$mpirun" $((2 + RANDOM % 3)) $limit "$soak" mpi 200 $seed
  seed=$((seed + 10000))
done
