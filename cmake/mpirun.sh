#!/bin/sh
# SPDX-License-Identifier: MIT
# mpirun.sh MPIEXEC RANKS SECONDS COMMAND [argument...]
# Runs a test under mpirun: any number of ranks on this machine, on any of its cores, as any user,
# not longer than SECONDS, leaving nothing behind. Ranks whose time is over are first asked who waits
# for what (SIGUSR1, which mpirun passes on). The exit code is mpirun's, or 124.

mpiexec=$1 ranks=$2 seconds=$3
shift 3

# Open MPI's session directory and shared memory, private, so that jobs can run side by side.
dir=$(mktemp -d -p /dev/shm torc.XXXXXX 2>/dev/null || mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' HUP INT TERM
export TMPDIR="$dir" OMPI_MCA_orte_tmpdir_base="$dir"
export OMPI_MCA_btl_vader_backing_directory="$dir" OMPI_MCA_osc_sm_backing_directory="$dir"

# Options by environment, which other MPIs ignore.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_MCA_btl_base_warn_component_unused=0
# Copies from process to process need a right that containers often withhold.
: "${OMPI_MCA_btl_vader_single_copy_mechanism=none}"
export OMPI_MCA_btl_vader_single_copy_mechanism

timeout -k 5 $((seconds + 2)) timeout --foreground -s USR1 "$seconds" "$mpiexec" -n "$ranks" "$@" </dev/null
status=$?
files=$(find "$dir" -type f)
[ -z "$files" ] || echo "left behind: $files"
exit $status
