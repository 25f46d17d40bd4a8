// SPDX-License-Identifier: MIT
#include "session.hpp"

#include <chrono>
#include <gtest/gtest.h>

#include "scheduler/scheduler.hpp"

namespace test {

environment::environment(const char* name, const char* value) : name_(name) {
  const char* before = std::getenv(name);
  was_set_ = before != nullptr;
  before_ = was_set_ ? before : "";
  if (value != nullptr) {
    setenv(name, value, 1);
  } else {
    unsetenv(name);
  }
}

environment::~environment() {
  if (was_set_) {
    setenv(name_, before_.c_str(), 1);
  } else {
    unsetenv(name_);
  }
}

session::session(int workers) : workers_("TORC_WORKERS", std::to_string(workers).c_str()) {
  torc::init();
}

session::~session() {
  using namespace std::chrono_literals;
  const auto* scheduler = torc::detail::current_scheduler();
  const std::size_t loops = scheduler->workers.size() - 1; // worker 0 is here, on its own stack
  // A worker in the middle of a switch holds two.
  for (int i = 0; i < 1000 && scheduler->fibers.in_use() > loops; ++i) {
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_LE(scheduler->fibers.in_use(), loops) << "fibers are left suspended";
  torc::shutdown();
}

} // namespace test
