// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <torc/detail/closure.hpp>
#include <torc/detail/stop_scope.hpp>

namespace torc::detail {

struct alarm;

/// Stops the task `d` with scope `s` if it still runs after `limit`, and reports it after twice
/// that.
class time_keeper {
public:
  time_keeper(stop_scope& s, const descriptor& d, std::chrono::nanoseconds limit);
  time_keeper(const time_keeper&) = delete;
  time_keeper& operator=(const time_keeper&) = delete;
  /// The task has ended: what it has failed with if that was too late, otherwise null.
  std::exception_ptr end() noexcept;

private:
  stop_scope& scope_;
  const std::chrono::nanoseconds limit_;
  alarm* alarms_[2];
};

/// `run_into` with a time limit; 0: none.
template <class R, class Body>
void run_within(std::chrono::nanoseconds limit, stop_scope& s, descriptor& d,
                result_slot<R>& result, Body&& body) noexcept {
  if (limit.count() == 0) [[likely]] {
    run_into(d, result, body);
    return;
  }
  time_keeper keeper(s, d, limit);
  run_into(d, result, body);
  if (std::exception_ptr late = keeper.end()) {
    if (d.ended == outcome::value) {
      result.empty();
    } else {
      d.take_error();
    }
    d.fail(std::move(late));
  }
}

} // namespace torc::detail
