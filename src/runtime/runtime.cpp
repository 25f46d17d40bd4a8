// SPDX-License-Identifier: MIT
#include <torc/runtime.hpp>

#include <chrono>
#include <stdexcept>
#include <torc/submit.hpp>
#include <utility>

#include "runtime/statistics.hpp"
#include "scheduler/scheduler.hpp"

namespace torc {
namespace detail {
namespace {

scheduler* session = nullptr; // nobody's at exit: the workers may be running then

/// Calls of `launch` and `shutdown` belong on the stack that `init` was called on.
bool on_initial_stack() noexcept {
  const worker* w = this_worker();
  return w != nullptr && w->id == 0 && w->own.running == w->native;
}

} // namespace

scheduler* current_scheduler() noexcept { return session; }

int launch_primary(primary_function primary) {
  if (!on_initial_stack()) {
    throw std::logic_error("torc::launch: call torc::init first, on the same thread, and do not "
                           "launch from a task");
  }
  return submit(on_worker(0).pinned(), std::move(primary)).get();
}

} // namespace detail

void init() {
  using namespace detail;
  if (session != nullptr) {
    throw std::logic_error("torc::init: the runtime is up already");
  }
  session = new scheduler(read_configuration());
  session->start();
}

void launch(std::nullptr_t) {
  if (!detail::on_initial_stack()) {
    throw std::logic_error("torc::launch: call torc::init first, on the same thread");
  }
}

void shutdown() {
  using namespace detail;
  if (session == nullptr) {
    return;
  }
  if (!on_initial_stack()) {
    throw std::logic_error("torc::shutdown: call it where torc::init was called, not in a task");
  }
  session->stop();
  if (session->config.statistics) {
    print_statistics(*session);
  }
  delete std::exchange(session, nullptr);
}

int num_workers() noexcept {
  return detail::session != nullptr ? static_cast<int>(detail::session->workers.size()) : 1;
}

int worker() noexcept {
  const detail::worker* w = detail::this_worker();
  return w != nullptr ? w->id : -1;
}

double wtime() noexcept {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

} // namespace torc
