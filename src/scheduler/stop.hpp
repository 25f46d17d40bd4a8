// SPDX-License-Identifier: MIT
#pragma once

#include <stop_token>
#include <torc/detail/spinlock.hpp>
#include <torc/detail/stop_scope.hpp>
#include <vector>

namespace torc::detail {

class baton;
class watch_list;

/// Wants to know at once that a scope has been stopped: a task that waits, or a stop token.
struct stop_watch {
  stop_scope* scope = nullptr;
  baton* waits = nullptr;
  std::stop_source source{std::nostopstate};
  watch_list* list = nullptr;
  stop_watch* next = nullptr;
  stop_watch* previous = nullptr;
};

/// Those that began to watch on one worker.
class watch_list {
public:
  void add(stop_watch& w) noexcept;
  void remove(stop_watch& w) noexcept;
  /// Posts the batons of scopes that have been stopped and gives the sources of their tokens, which
  /// call user code and so cannot be used with the lock held.
  void notice(std::vector<std::stop_source>& sources) noexcept;

private:
  spinlock lock_;
  stop_watch* first_ = nullptr;
};

/// Of a thread that is no worker: the innermost scope of what it runs at once, and without a
/// session of the groups it has opened; null if there is none.
stop_scope* outside_scope() noexcept;
/// ... is that from now on; gives the one before.
stop_scope* change_outside_scope(stop_scope* to) noexcept;

/// Waits for `b`, but not longer than until the calling task is stopped.
void wait_or_stop(baton& b, const char* what, std::uintptr_t awaited = 0,
                  std::uintptr_t place = 0) noexcept;

} // namespace torc::detail
