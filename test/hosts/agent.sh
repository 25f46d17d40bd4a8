#!/bin/sh
# SPDX-License-Identifier: MIT
# agent.sh HOST COMMAND...: what ssh does for mpirun, for the hosts of hosts.sh.
host=$1
shift
read -r pid <"$TORC_HOSTS_DIRECTORY/$host"
exec nsenter -t "$pid" --net --uts sh -c "$*"
