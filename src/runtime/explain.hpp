// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace torc::detail {

class scheduler;

/// What this process is doing, in lines that begin with "torc: " and name `who`: its workers and
/// what they run, queued tasks, those that are with other ranks, and who waits for what. From any
/// thread, while all goes on; then what it says of each worker and task is of about the same time.
std::string explanation(scheduler& s, const std::string& who);

} // namespace torc::detail
