#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# hosts.sh HOSTS RANKS SECONDS COMMAND [argument...]
# Runs a command under mpirun on several hosts, RANKS on each: h1, h2, ..., which are network
# namespaces of this machine with names of their own, joined by a bridge. The exit code is
# mpirun's; 77, with a sentence, where such hosts cannot be made.
#
# All is made within namespaces of this script's own, processes included, so that nothing is left
# behind however it ends.
set -euo pipefail

skip() { echo "skipped: $*"; exit 77; }

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
if [[ ${TORC_HOSTS_INSIDE-} != yes ]]; then
  for tool in ip unshare nsenter mpirun; do
    command -v "$tool" >/dev/null || skip "there is no '$tool' (Debian: iproute2, util-linux, mpi-default-bin)"
  done
  namespaces=(unshare --net --uts --mount --pid --fork --kill-child --mount-proc)
  ((EUID == 0)) || namespaces+=(--user --map-root-user)
  "${namespaces[@]}" ip link add torc0 type bridge 2>/dev/null ||
    skip "this machine does not let us make network namespaces and bridges"
  TORC_HOSTS_INSIDE=yes exec "${namespaces[@]}" bash "${BASH_SOURCE[0]}" "$@"
fi

hosts=$1 ranks=$2 seconds=$3
shift 3

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
trap 'exit 130' HUP INT TERM

hostname h0
ip link set lo up
ip link add torc0 type bridge
ip addr add 10.99.0.100/24 dev torc0
ip link set torc0 up

slots=()
for ((i = 1; i <= hosts; ++i)); do
  mkfifo "$directory/up$i"
  unshare --net --uts sh -c "hostname h$i && echo >'$directory/up$i' && exec sleep infinity" &
  read -r <"$directory/up$i"
  ip link add "h$i" type veth peer name eth0 netns $!
  ip link set "h$i" master torc0 up
  nsenter -t $! -n sh -c "ip addr add 10.99.0.$i/24 dev eth0 && ip link set eth0 up && ip link set lo up"
  echo $! >"$directory/h$i" # where agent.sh finds the host
  slots+=("h$i:$ranks")
done

export TORC_HOSTS_DIRECTORY=$directory
export OMPI_MCA_plm_rsh_agent="sh $here/agent.sh"
export OMPI_MCA_oob_tcp_if_include=10.99.0.0/24 OMPI_MCA_btl_tcp_if_include=10.99.0.0/24
list=$(IFS=,; echo "${slots[*]}")
sh "$here/../../cmake/mpirun.sh" mpirun $((hosts * ranks)) "$seconds" -H "$list" "$@"
