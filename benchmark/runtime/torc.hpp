// SPDX-License-Identifier: MIT
#pragma once

#include "../main.hpp"

#include <torc/torc.hpp>

namespace bench {

/// Runs everything within torc's primary task.
inline int run() {
  setenv("TORC_WORKERS", std::to_string(workers()).c_str(), 1);
  return torc::start(run_all);
}

} // namespace bench
