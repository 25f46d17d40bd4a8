// SPDX-License-Identifier: MIT
// What a thief's failure does to siblings in the moment before its group hears of it.

#include <gtest/gtest.h>
#include <stdexcept>
#include <torc/torc.hpp>

#include "../session.hpp"
#include "scheduler/worker.hpp"

namespace {

using namespace torc::detail;

torc::task<> fail() {
  throw std::runtime_error("late");
  co_return;
}

/// A thief takes a sibling of the awaiting task's, which fails, and puts this one's back.
torc::task<> seen_by_a_thief(descriptor& parent) {
  worker& w = *this_worker();
  w.shared.lock.lock();
  w.shared.publish(w.own);
  w.shared.lock.unlock();
  parent.child_failed.store(true, std::memory_order_relaxed);
  co_return;
}

torc::task<> await_both() {
  torc::group g;
  try {
    co_await torc::wait(fail(), seen_by_a_thief(running_task()));
    ADD_FAILURE();
  } catch (const std::runtime_error&) {
  }
  EXPECT_TRUE(torc::stop_token().stop_requested());
}

TEST(join, a_skipped_task_that_fails_after_all_stops_its_group) { test::run(1, await_both); }

} // namespace
