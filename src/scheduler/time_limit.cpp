// SPDX-License-Identifier: MIT
#include <torc/detail/time_limit.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <torc/future.hpp>
#include <torc/stop.hpp>

#include "scheduler/code_name.hpp"
#include "scheduler/scheduler.hpp"
#include "scheduler/timers.hpp"

namespace torc::detail {
namespace {

std::string limit_text(std::chrono::nanoseconds limit) {
  char text[80];
  std::snprintf(text, sizeof text, "the time limit of %g s",
                std::chrono::duration<double>(limit).count());
  return text;
}

} // namespace

time_keeper::time_keeper(stop_scope& s, const descriptor& d, std::chrono::nanoseconds limit)
    : scope_(s), limit_(limit) {
  timers& clock = timers::get();
  const auto late = deadline_in(limit);
  alarms_[0] = clock.set(late, [&s] { stop(s, stop_state::timed_out); });
  const scheduler* const here = current_scheduler();
  const auto overdue =
      late + std::min<timers::clock::duration>(limit, timers::clock::time_point::max() - late);
  alarms_[1] = clock.set(overdue, [limit, code = code_of(d),
                                   rank = here != nullptr ? here->place.rank : 0] {
    std::fprintf(stderr, "torc: overdue: a task on rank %d has passed %s, and does not stop: %s\n",
                 rank, limit_text(limit).c_str(), code_name(code).c_str());
  });
}

std::exception_ptr time_keeper::end() noexcept {
  for (alarm* const a : alarms_) {
    timers::get().cancel(a);
  }
  return scope_.state.load() == stop_state::timed_out
             ? std::make_exception_ptr(timed_out("torc: a task has passed " + limit_text(limit_)))
             : nullptr;
}

} // namespace torc::detail
