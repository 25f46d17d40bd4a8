// SPDX-License-Identifier: MIT
// What is done about a task that fails or takes too long: options of its placement.

#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <thread>
#include <torc/torc.hpp>

#include "session.hpp"

namespace {

using namespace std::literals;

std::atomic<int> tries{0};

struct failed : std::runtime_error {
  using std::runtime_error::runtime_error;
};
const torc::known_exception<failed> known;

/// Fails the first `n` times.
std::string fail_first(int n, std::string argument) {
  if (tries++ < n) throw failed(std::to_string(tries));
  return argument;
}
void never_end() {
  for (++tries;; std::this_thread::yield()) {
    torc::stop_point();
  }
}

class policies : public testing::Test {
protected:
  policies() { tries = 0; }
};

TEST_F(policies, a_task_is_tried_again) {
  test::run([] {
    auto a = torc::submit(torc::cyclic.retry(3), fail_first, 3, "text"s);
    EXPECT_EQ(a.get(), "text"s);
    EXPECT_EQ(tries, 4);
    tries = 0;
    auto b = torc::submit(torc::here.pinned().retry(2), fail_first, 3, "text"s);
    EXPECT_THROW(b.get(), failed);
    EXPECT_EQ(tries, 3);
  });
}

TEST_F(policies, a_pause_before_the_next_try_doubles) {
  test::run([] {
    const auto begin = std::chrono::steady_clock::now();
    auto a = torc::submit(torc::cyclic.retry(3, 2ms), fail_first, 3, "text"s);
    EXPECT_EQ(a.get(), "text"s);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 14ms);
  });
}

TEST_F(policies, a_retried_task_fails_its_group_only_in_the_end) {
  test::run([] {
    {
      const torc::group g;
      static_cast<void>(torc::submit(torc::cyclic.retry(5), fail_first, 4, "text"s));
    }
    tries = 0;
    EXPECT_THROW(
        {
          const torc::group g;
          static_cast<void>(torc::submit(torc::cyclic.retry(5), fail_first, 6, "text"s));
        },
        failed);
    EXPECT_EQ(tries, 6);
  });
}

TEST_F(policies, a_stopped_task_is_not_tried_again) {
  test::run([] {
    auto a = torc::submit(torc::cyclic.retry(1000), never_end);
    while (tries == 0) {
    }
    a.cancel();
    EXPECT_THROW(a.get(), torc::cancelled);
    EXPECT_EQ(tries, 1);
    auto b = torc::submit(torc::cyclic.retry(1000, 1ms), fail_first, 1000000, "text"s);
    while (tries < 3) {
    }
    b.cancel(); // during a try, or in a pause
    EXPECT_THROW(b.get(), torc::cancelled);
  });
}

TEST_F(policies, a_stop_ends_the_pause_before_the_next_try) {
  test::run([] {
    auto a = torc::submit(torc::cyclic.retry(1000, 24h), fail_first, 1000, "text"s);
    while (tries == 0) {
    }
    std::this_thread::sleep_for(2ms); // in the pause by now, mostly
    a.cancel();
    EXPECT_THROW(a.get(), torc::cancelled);
    EXPECT_EQ(tries, 1);
    torc::group g;
    static_cast<void>(torc::submit(torc::cyclic.retry(1000, 24h), fail_first, 1000, "text"s));
    while (tries == 1) {
    }
    g.cancel();
  });
}

TEST_F(policies, a_stopped_task_that_throws_has_been_cancelled) {
  testing::internal::CaptureStderr();
  test::run([] {
    auto a = torc::submit([] {
      ++tries;
      while (!torc::stop_token().stop_requested()) {
      }
      throw failed("on the way out");
    });
    while (tries == 0) {
    }
    a.cancel();
    EXPECT_THROW(a.get(), torc::cancelled);
  });
  EXPECT_NE(testing::internal::GetCapturedStderr().find("reached nobody: "), std::string::npos);
}

TEST_F(policies, retries_are_in_the_statistics) {
  const test::environment statistics("TORC_STATS", "1");
  testing::internal::CaptureStderr();
  test::run([] { torc::submit(torc::cyclic.retry(3), fail_first, 2, "text"s).get(); });
  EXPECT_NE(testing::internal::GetCapturedStderr().find("2 times a task was tried again"),
            std::string::npos);
}

struct fragile {
  fragile() = default;
  fragile(fragile&&) {
    if (breaks) {
      throw failed("move");
    }
  }
  static inline std::atomic<bool> breaks{false};
};

TEST_F(policies, a_failure_is_thrown_if_its_replacement_cannot_be_moved) {
  test::run(1, [] {
    auto x = torc::submit(torc::here.ignore_failure(fragile()),
                          []() -> fragile { throw failed("always"); });
    fragile::breaks = true;
    try {
      x.get();
      ADD_FAILURE() << "nothing has been thrown";
    } catch (const failed& e) {
      EXPECT_STREQ(e.what(), "move");
    }
  });
}

TEST_F(policies, a_failure_is_ignored) {
  test::run([] {
    const torc::group g; // it does not fail
    const auto fail = [](int) -> double { throw failed("always"); };
    EXPECT_EQ(torc::submit(torc::cyclic.ignore_failure(2.5), fail, 1).get(), 2.5);
    EXPECT_EQ(torc::submit(torc::here.retry(2).ignore_failure(7), fail, 1).get(), 7.0);
    EXPECT_EQ(torc::submit(torc::cyclic.ignore_failure(), fail, 1).get(), 0.0);
    torc::submit(torc::cyclic.ignore_failure(), [] { throw failed("void"); }).get();
    EXPECT_EQ(torc::submit(torc::cyclic.ignore_failure(std::string("none")), fail_first, 0, "some"s)
                  .get(),
              "some");
    auto cancelled = torc::submit(torc::cyclic.ignore_failure(), never_end);
    cancelled.cancel();
    EXPECT_THROW(cancelled.get(), torc::cancelled);
  });
}

TEST_F(policies, a_task_has_a_time_limit) {
  test::run([] {
    auto a = torc::submit(torc::cyclic.time_limit(5ms), never_end);
    EXPECT_THROW(a.get(), torc::timed_out);
    EXPECT_EQ(torc::submit(torc::cyclic.time_limit(1h), fail_first, 0, "in time"s).get(),
              "in time");
    auto with_child = torc::submit(torc::here.time_limit(5ms), [] {
      auto child = torc::spawn(never_end);
      torc::submit(never_end).get();
    });
    EXPECT_THROW(with_child.get(), torc::timed_out);
    tries = 0;
    auto twice = torc::submit(torc::cyclic.time_limit(2ms).retry(1).ignore_failure(), never_end);
    twice.get();
    EXPECT_EQ(tries, 2);
    EXPECT_THROW(
        {
          const torc::group g;
          static_cast<void>(torc::submit(torc::cyclic.time_limit(2ms), never_end));
        },
        torc::timed_out);
  });
}

TEST_F(policies, a_task_that_does_not_stop_is_reported) {
  testing::internal::CaptureStderr();
  test::run([] {
    auto deaf = torc::submit(torc::cyclic.time_limit(2ms), [] {
      std::this_thread::sleep_for(30ms);
      return 3;
    });
    EXPECT_THROW(deaf.get(), torc::timed_out); // it ends well, but too late
  });
  EXPECT_NE(testing::internal::GetCapturedStderr().find(
                "torc: overdue: a task on rank 0 has passed the time limit of 0.002 s"),
            std::string::npos);
}

TEST_F(policies, the_longest_of_times) {
  test::run([] {
    const auto ever = std::chrono::nanoseconds::max();
    EXPECT_EQ(torc::submit(torc::cyclic.time_limit(ever), fail_first, 0, "in time"s).get(),
              "in time");
    auto paused = torc::submit(torc::cyclic.retry(1, ever), fail_first, 2, "text"s);
    while (tries < 2) {
      std::this_thread::yield();
    }
    EXPECT_FALSE(paused.done());
    paused.cancel();
    EXPECT_THROW(paused.get(), torc::cancelled);
  });
}

TEST_F(policies, as_many_tries_as_one_likes) {
  const auto try_often = [](auto where) {
    tries = 0;
    constexpr int failures = test::sanitized ? 5'000 : 100'000;
    EXPECT_EQ(torc::submit(where.retry(1'000'000), fail_first, failures, "text"s).get(), "text");
  };
  try_often(torc::here);
  test::run([&] { try_often(torc::here.direct()); });
}

TEST_F(policies, without_a_session) {
  EXPECT_EQ(torc::submit(torc::cyclic.retry(3), fail_first, 3, "text"s).get(), "text");
  tries = 0;
  const auto begin = std::chrono::steady_clock::now();
  auto paused = torc::submit(torc::cyclic.retry(3, 2ms), fail_first, 3, "text"s);
  EXPECT_TRUE(paused.done());
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 14ms);
  tries = 0;
  EXPECT_THROW(
      {
        const torc::group g;
        static_cast<void>(torc::submit(torc::cyclic.retry(2, 1ms), fail_first, 9, "text"s));
      },
      failed);
}

TEST_F(policies, are_misused) {
  EXPECT_THROW(torc::cyclic.retry(-1), std::out_of_range);
  EXPECT_THROW(torc::cyclic.retry(1, -1ms), std::out_of_range);
  EXPECT_THROW(torc::cyclic.time_limit(0s), std::out_of_range);
}

} // namespace
