// SPDX-License-Identifier: MIT
// Signals to a session, deadlocks and stalls. (Of ranks: test/mpi/death_test.cpp.)

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <gtest/gtest.h>
#include <thread>
#include <torc/torc.hpp>

#include "session.hpp"

namespace {

using namespace std::chrono_literals;
using testing::ExitedWithCode;
using testing::KilledBySignal;

struct says_goodbye {
  ~says_goodbye() { std::fputs("goodbye\n", stderr); }
};

/// Raises `signal`, then works until it is stopped.
void work_on(int signal) {
  const says_goodbye g;
  std::raise(signal);
  for (;;) {
    torc::stop_point();
    std::this_thread::sleep_for(1ms);
  }
}

TEST(signals, stop_the_primary_task_and_what_it_has_begun) {
  for (const int signal : {SIGTERM, SIGINT, SIGUSR2}) {
    EXPECT_EXIT(std::exit(torc::start([=] { torc::submit(torc::here, work_on, signal).wait(); })),
                ExitedWithCode(128 + signal), "asked to stop(.|\n)*goodbye");
  }
}

TEST(signals, between_init_and_launch) {
  EXPECT_EXIT(
      {
        torc::runtime session;
        std::raise(SIGTERM);
        std::this_thread::sleep_for(100ms);
        std::exit(session.launch([] { std::puts("is not called"); }));
      },
      ExitedWithCode(128 + SIGTERM), "asked to stop");
}

TEST(signals, end_the_process_the_second_time) {
  EXPECT_EXIT(torc::start([] {
                std::raise(SIGTERM);
                std::this_thread::sleep_for(700ms);
                std::raise(SIGTERM);
              }),
              KilledBySignal(SIGTERM), "asked to stop");
}

TEST(signals, are_the_programs_own_if_it_handles_them) {
  static std::atomic<int> heard{0};
  EXPECT_EXIT(
      {
        std::signal(SIGTERM, [](int) { ++heard; });
        const int code = torc::start([] { std::raise(SIGTERM); });
        std::exit(code == 0 && heard == 1 ? 7 : 1);
      },
      ExitedWithCode(7), "");
}

int told_to_explain(int n) {
  std::raise(SIGUSR1);
  std::this_thread::sleep_for(500ms);
  return n;
}

TEST(signals, usr1_explains) {
  EXPECT_EXIT(std::exit(torc::start([] {
                return torc::submit(torc::on_worker(1).pinned(), told_to_explain, 3).get();
              })),
              ExitedWithCode(3),
              "worker 1 runs .*told_to_explain(.|\n)*waits for a submitted task .*told_to_explain");
}

std::atomic<bool> stolen{false};
int told_to_explain_by_thief(int n) {
  stolen = true;
  std::this_thread::sleep_for(100ms); // its parent waits by now
  return told_to_explain(n);
}
int wait_for_thief() {
  auto child = torc::spawn(told_to_explain_by_thief, 3);
  test::spin_until(stolen);
  return child.get();
}

TEST(signals, usr1_explains_who_waits_for_a_child) {
  EXPECT_EXIT(std::exit(torc::start([] { return torc::submit(wait_for_thief).get(); })),
              ExitedWithCode(3),
              "torc: .*wait_for_thief.* waits for its child .*told_to_explain_by_thief");
}

TEST(deadlock, is_reported) {
  EXPECT_EXIT(torc::start([] {
                torc::future<void> a, b;
                std::atomic<bool> both{false};
                const auto wait_for = [&](torc::future<void>& other) {
                  while (!both) {
                    std::this_thread::yield();
                  }
                  other.wait();
                };
                a = torc::submit(torc::on_local_worker(0), [&] { wait_for(b); });
                b = torc::submit(torc::on_local_worker(1), [&] { wait_for(a); });
                both = true;
                a.wait();
              }),
              ExitedWithCode(1), "torc: deadlock(.|\n)*waits for a submitted task");
}

TEST(deadlock, is_no_long_wait) {
  torc::start([] {
    auto none = torc::submit(torc::here, [] { std::this_thread::sleep_for(1500ms); });
    std::vector<torc::future<void>> futures;
    futures.push_back(std::move(none));
    while (!torc::wait_for(100ms, futures).get()) {
    }
  });
}

TEST(stall, is_reported) {
  const test::environment e("TORC_STALL_TIMEOUT", "1");
  EXPECT_EXIT(torc::start([] { std::this_thread::sleep_for(20s); }), ExitedWithCode(1),
              "torc: stalled: no task has ended for 1 seconds");
}

} // namespace
