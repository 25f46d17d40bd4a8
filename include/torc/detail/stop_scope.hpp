// SPDX-License-Identifier: MIT
#pragma once

// What can be stopped as a whole: a submitted task with all that it has started, or a group. Scopes
// form a tree; a running fiber knows the innermost one it is in, and a published child that of its
// parent, so that a spawn knows nothing of them. A scope outlives all that runs in it.

#include <atomic>
#include <cstdint>
#include <torc/detail/platform.hpp>

namespace torc::detail {

struct stop_watch;

enum class stop_state : std::uint8_t { going, timed_out, cancelled };

struct stop_scope {
  enum class kind : std::uint8_t { task, group, remote };

  explicit stop_scope(stop_scope* p = nullptr, kind k = kind::task) noexcept : parent(p), is(k) {}
  stop_scope(const stop_scope&) = delete;
  stop_scope& operator=(const stop_scope&) = delete;
  ~stop_scope() { forget_token(); }
  /// Nobody who has asked for a token runs any more.
  void forget_token() noexcept {
    if (token != nullptr) {
      remove_token();
    }
  }

  stop_scope* parent;
  const kind is;
  atomic<stop_state> state{stop_state::going};
  stop_watch* token = nullptr; ///< who has asked for a stop token

private:
  void remove_token() noexcept;
};

/// Whether anything has ever been stopped: as long as it has not, stop points cost a look at this.
extern constinit std::atomic<bool> anything_stopped;

/// The innermost scope that the calling code runs in. Outside a session that of a group, or of a
/// task that is run at once, or null.
stop_scope* this_scope() noexcept;

/// Whether `s`, which may be null, or one it is in has been stopped.
bool find_stopped(stop_scope* s) noexcept;
inline bool is_stopped(stop_scope* s) noexcept {
  return anything_stopped.load(std::memory_order_acquire) && find_stopped(s);
}

/// Stops `s` and all in it: tasks that have not started end as cancelled, on all ranks, those that
/// run notice at their next stop point or by their tokens. Any thread.
void stop(stop_scope& s, stop_state why) noexcept;

/// The rare half of `stop_point`.
void throw_if_stopped();

} // namespace torc::detail
