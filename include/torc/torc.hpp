// SPDX-License-Identifier: MIT
#pragma once

// Everything. No MPI or hwloc header is reachable from here.

#include <torc/as_completed.hpp>
#include <torc/bind.hpp>
#include <torc/broadcast.hpp>
#include <torc/children.hpp>
#include <torc/future.hpp>
#include <torc/group.hpp>
#include <torc/lazy_map.hpp>
#include <torc/map.hpp>
#include <torc/placement.hpp>
#include <torc/remote_error.hpp>
#include <torc/runtime.hpp>
#include <torc/shippable.hpp>
#include <torc/spawn.hpp>
#include <torc/spmd.hpp>
#include <torc/stop.hpp>
#include <torc/submit.hpp>
#include <torc/task.hpp>
#include <torc/version.hpp>
#include <torc/wait.hpp>
