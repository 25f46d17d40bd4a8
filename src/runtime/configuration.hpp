// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace torc::detail {

/// What the TORC_* environment variables say.
struct configuration {
  int workers = 0;                    ///< TORC_WORKERS; 0: as many as there are cores
  std::size_t stack_size = 64u << 20; ///< TORC_STACK_SIZE, bytes
  bool bind = false;                  ///< TORC_BIND=core
  bool statistics = false;            ///< TORC_STATS
  bool stealing = true;               ///< TORC_STEALING, between ranks
  bool round_trip = false;            ///< TORC_ROUND_TRIP
  int stall_timeout = 0;              ///< TORC_STALL_TIMEOUT, seconds; 0: none
  bool survive = false;               ///< TORC_SURVIVE: go on when a rank is lost
  std::optional<std::uint64_t> seed;  ///< TORC_SEED
  std::optional<std::chrono::microseconds> idle_spin; ///< TORC_IDLE_SPIN

  // Of several ranks; no variable says these.
  int cores_taken = 0; ///< so many of our cores have workers of ranks before us
  // Tests are less patient.
  /// How long rank 0 has to be at rest before it asks the others; at most eight times that between
  /// two times.
  std::chrono::milliseconds suspicion{1000};
  /// How often hosts say that they live; five missed: lost.
  std::chrono::milliseconds beat{1000};
};

/// Reads the environment. A wrong value ends the program with one line and exit code 2.
configuration read_configuration();

/// The cores this process may use: its affinity mask, cut to the CPU quota of its cgroup.
int usable_cores();

} // namespace torc::detail
