// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <torc/detail/operation.hpp>
#include <torc/detail/submitted.hpp>
#include <torc/future.hpp>
#include <torc/stop.hpp>

namespace torc {

namespace detail {

struct alarm;

/// A group as an entry of the stack: the parent of what is started while it is open.
struct group_scope final : descriptor, stop_scope {
  using clock = std::chrono::steady_clock;
  group_scope() noexcept;

  void open(clock::time_point deadline);
  /// Joins everything; throws the failure that nobody has been told.
  void close(bool unwinding);
  void wait();
  /// Stops the group; the first failure is kept. `by`: the task that has failed, if it has a
  /// future.
  void fail(std::exception_ptr why, submitted* by) noexcept;
  /// Whether that is its failure.
  bool knows(const std::exception_ptr& failure) noexcept;
  /// `failure`, of one of its tasks, is about to be thrown. If the group has failed with another,
  /// throws that, and reports this one.
  void tell(const std::exception_ptr& failure);
  /// Throws what has stopped the group.
  [[noreturn]] void rethrow();

  fiber* opener = nullptr; ///< where its scope is; null without a session

private:
  void told() noexcept; ///< the failure has been thrown
  void set_alarm(clock::time_point deadline);

  spinlock lock_;
  bool failed_ = false;
  bool told_ = false; ///< the failure has been thrown, or nobody wants to know
  std::exception_ptr cause_;
  submitted* culprit_ = nullptr;
  alarm* alarm_ = nullptr;
};

/// Null if it is none.
group_scope* as_group(descriptor& d) noexcept;
/// The one that the calling thread, which is no worker, has opened last; null in its tasks.
group_scope* outside_group() noexcept;

} // namespace detail

/// A scope of tasks that succeed or stop together:
///
///     torc::group g;                                   // from here on to the end of its scope
///     auto a = torc::submit(f, 1);                     // all that this task starts is in it
///     auto b = torc::submit(f, 2);
///     use(a.get(), b.get());
///
/// The first of its tasks to fail, or an exception that leaves the scope, stops the group: what has
/// not started does not run, what runs is asked to stop (`cancelled`, `stop_token`), on all ranks.
/// The failure is thrown at the next stop point of the scope, at its end at the latest, after all
/// has ended. Nothing outside is stopped: a task, or a group, that catches it goes on. What a task
/// of the group has started itself is that task's; only the task's own failure is the group's.
///
/// A local variable of a task, in which groups nest. Without a session what fails is noticed as
/// well, and so is a deadline. During a session threads that are no workers cannot open one, nor
/// can `direct` tasks: std::logic_error. Costs about as much as a `submit`.
class [[nodiscard("a group lasts until the end of its scope: give it a name")]] group {
public:
  group() { scope_.open(detail::group_scope::clock::time_point::max()); }
  /// With a deadline: if it is still open after `limit`, the group fails with `timed_out`.
  template <class Rep, class Period>
  explicit group(std::chrono::duration<Rep, Period> limit) {
    scope_.open(detail::deadline_in(limit));
  }
  group(const group&) = delete;
  group& operator=(const group&) = delete;

  /// Joins everything in the group, and throws its failure unless it has been thrown already; if an
  /// exception is leaving the scope, stops the group first.
  ~group() noexcept(false) { scope_.close(std::uncaught_exceptions() > exceptions_); }

  /// Stops the group without a failure, from any task or thread that sees it; any number of times.
  /// Waits in the scope throw `cancelled` then, its end does not.
  void cancel() noexcept { scope_.fail(nullptr, nullptr); }

  /// An operation: joins everything started in the group so far and throws its failure. To be
  /// called in the scope itself, not in that of an inner group: std::logic_error.
  auto wait() {
    return detail::operation([this] { scope_.wait(); });
  }

private:
  int exceptions_ = std::uncaught_exceptions();
  detail::group_scope scope_;
};

} // namespace torc
