// SPDX-License-Identifier: MIT
#pragma once

#include <exception>
#include <stdexcept>
#include <stop_token>
#include <torc/detail/stop_scope.hpp>

namespace torc {

/// What a task ends with that has been stopped: its future was cancelled, or the group or task it
/// belongs to has failed or was stopped. Thrown at stop points: `stop_point`, `get`, `sync`, and
/// all operations that wait. A stopped task that has not started does not run. Keeps its type
/// between ranks; it has no `origin`, as it is no failure of where it is thrown.
class cancelled final : public std::exception {
public:
  const char* what() const noexcept override { return "torc: the task was cancelled"; }
};

/// What comes of a task that exceeds its time limit, and of a group that exceeds its deadline.
class timed_out : public std::runtime_error {
public:
  using runtime_error::runtime_error;
};

/// Throws if the calling task has been stopped: `cancelled`, or in the scope of a group its
/// failure. For tasks that compute for long without a wait. Costs a nanosecond until
/// something has been stopped in this process, and from then on a look at each scope around.
inline void stop_point() {
  if (detail::anything_stopped.load(std::memory_order_acquire)) [[unlikely]] {
    detail::throw_if_stopped();
  }
}

/// Says whether the calling task has been stopped, on whatever rank it runs; in a
/// group's own scope, whether the group has. May be kept as long as one likes. Callbacks at it run
/// on the thread that stops the task, or on one that looks at messages, and should be short.
std::stop_token stop_token();

} // namespace torc
