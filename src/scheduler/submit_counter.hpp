// SPDX-License-Identifier: MIT
#pragma once

#include "scheduler/baton.hpp"
#include <exception>
#include <torc/detail/submitted.hpp>

namespace torc::detail {

/// Counts the submitted children of one task. An entry of the stack above that task, made by its
/// first submit and removed when it joins them.
struct submit_counter : descriptor {
  explicit submit_counter(descriptor* parent) noexcept;

  /// A child has ended with an exception, which nobody has seen yet: its group hears of it first.
  void child_failed(submitted& child) noexcept;
  /// A child has ended, or something else that is counted. The counter may die in this call.
  void child_ended(submitted& child) noexcept;
  void one_ended() noexcept;
  /// Waits for all children; the first exception in the order of submission that nobody has asked
  /// for, or null.
  std::exception_ptr wait_for_children() noexcept;

  atomic<long> pending{1};        ///< unfinished children, and one until somebody waits
  atomic<std::uint64_t> count{0}; ///< of all children so far, to number them

private:
  baton all_done_;
  spinlock lock_;
  descriptor* failed_ = nullptr; ///< children that failed, linked through shared.older
};

/// That of the running task.
submit_counter& this_submit_counter();

} // namespace torc::detail
