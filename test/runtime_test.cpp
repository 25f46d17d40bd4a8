// SPDX-License-Identifier: MIT
#include <chrono>
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "session.hpp"

namespace {

using namespace std::chrono_literals;
using test::environment;

int twice(int x) { return 2 * x; }
torc::task<int> cotwice(int x) { co_return 2 * x; }

int returns_int() { return 7; }
void returns_nothing() {}
torc::task<int> coroutine_returns_int() { co_return co_await cotwice(4); }
torc::task<> coroutine_returns_nothing() { co_await cotwice(4); }
int with_arguments(int argc, char** argv) { return argc + static_cast<int>(argv[1][0] - '0'); }
torc::task<int> coroutine_with_arguments(int argc, char** argv) {
  co_return with_arguments(argc, argv);
}

TEST(start, gives_the_exit_code_of_the_application) {
  EXPECT_EQ(torc::start(returns_int), 7);
  EXPECT_EQ(torc::start(returns_nothing), 0);
  EXPECT_EQ(torc::start(coroutine_returns_int), 8);
  EXPECT_EQ(torc::start(coroutine_returns_nothing), 0);
  EXPECT_EQ(torc::start([] { return 3; }), 3);
}

TEST(start, passes_the_arguments_to_applications_that_take_them) {
  char name[] = "name";
  char first[] = "5";
  char* argv[] = {name, first, nullptr};
  EXPECT_EQ(torc::start(2, argv, with_arguments), 7);
  EXPECT_EQ(torc::start(2, argv, coroutine_with_arguments), 7);
  EXPECT_EQ(torc::start(2, argv, returns_int), 7);
  EXPECT_EQ(torc::start(2, argv, returns_nothing), 0);
  EXPECT_EQ(torc::start(2, argv, coroutine_returns_int), 8);
  EXPECT_EQ(torc::start(2, argv, coroutine_returns_nothing), 0);
}

TEST(start, an_exception_passes_to_the_caller_after_the_shutdown) {
  EXPECT_THROW(torc::start([] { throw std::out_of_range("x"); }), std::out_of_range);
  EXPECT_EQ(torc::worker(), -1);
  const auto coroutine = []() -> torc::task<int> {
    throw std::out_of_range("x");
    co_return 1;
  };
  EXPECT_THROW(torc::start(coroutine), std::out_of_range);
  EXPECT_EQ(torc::start(returns_int), 7);
}

TEST(start, runs_the_application_on_worker_0_all_along) {
  for (const char* workers : {"1", "2", "4"}) {
    const environment e("TORC_WORKERS", workers);
    torc::start([] {
      for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(torc::worker(), 0);
        torc::submit([] { std::this_thread::yield(); }).get();
      }
    });
    torc::start([]() -> torc::task<> {
      for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(torc::worker(), 0);
        co_await torc::wait(cotwice(1), cotwice(2));
        auto f = torc::submit([] { std::this_thread::yield(); });
        co_await torc::wait(f);
      }
    });
  }
}

TEST(start, the_application_runs_on_the_calling_thread) {
  const auto caller = std::this_thread::get_id();
  torc::start([caller] { EXPECT_EQ(std::this_thread::get_id(), caller); });
}

TEST(start, waits_for_what_the_application_submitted) {
  std::atomic<int> ran{0};
  torc::start([&ran] {
    for (int i = 0; i < 100; ++i) {
      static_cast<void>(torc::submit(torc::here, [&ran] { ++ran; }));
    }
  });
  EXPECT_EQ(ran, 100);
}

TEST(launch, any_number_of_times_in_a_session) {
  torc::init();
  EXPECT_EQ(torc::launch(returns_int), 7);
  EXPECT_EQ(torc::launch(returns_nothing), 0);
  EXPECT_EQ(torc::launch(coroutine_returns_int), 8);
  EXPECT_EQ(torc::launch(coroutine_returns_nothing), 0);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(torc::launch([i] { return torc::submit(twice, i).get(); }), 2 * i);
  }
  torc::shutdown();
}

TEST(launch, an_exception_passes_to_the_caller) {
  torc::init();
  EXPECT_THROW(torc::launch([] { throw std::out_of_range("x"); }), std::out_of_range);
  EXPECT_EQ(torc::launch(returns_int), 7);
  torc::shutdown();
}

TEST(launch, null_makes_the_caller_the_primary_task) {
  torc::init();
  torc::launch(nullptr);
  EXPECT_EQ(torc::worker(), 0);
  auto a = torc::spawn(twice, 4);
  auto f = torc::submit(twice, 5);
  EXPECT_EQ(a.get(), 8);
  EXPECT_EQ(f.get(), 10);
  EXPECT_EQ(torc::wait(cotwice(1), cotwice(2)).get(), std::tuple(2, 4));
  EXPECT_EQ(torc::map(twice, std::vector{1, 2}).get(), (std::vector{2, 4}));
  torc::sync();
  torc::shutdown();
  EXPECT_EQ(torc::worker(), -1);
}

TEST(launch, null_suspends_the_caller_while_it_waits) {
  for (int i = 0; i < 20; ++i) {
    torc::init();
    torc::launch(nullptr);
    std::atomic<bool> started{false};
    std::atomic<bool> released{false};
    auto stolen = torc::spawn([&] {
      started = true;
      test::spin_until(released);
    });
    test::spin_until(started);
    auto release =
        torc::submit(torc::on_local_worker(0).pinned(), [&released] { released = true; });
    stolen.get();
    release.get();
    torc::shutdown();
  }
}

TEST(runtime, is_up_in_its_scope) {
  for (int i = 0; i < 20; ++i) {
    {
      torc::runtime session;
      EXPECT_EQ(torc::num_workers(), 2);
      EXPECT_EQ(session.launch(returns_int), 7);
      EXPECT_THROW(const torc::runtime second, std::logic_error);
      session.launch();
      EXPECT_EQ(torc::submit(twice, 5).get(), 10);
      EXPECT_EQ(torc::map(twice, std::vector{1, 2}).get(), (std::vector{2, 4}));
    }
    EXPECT_EQ(torc::worker(), -1);
  }
}

TEST(runtime, ends_on_an_exception) {
  std::atomic<int> ran{0};
  try {
    torc::runtime session;
    session.launch();
    static_cast<void>(torc::submit(torc::here, [&ran] { ++ran; }));
    throw std::out_of_range("x");
  } catch (const std::out_of_range&) {
    EXPECT_EQ(torc::worker(), -1);
    EXPECT_EQ(ran, 1);
  }
}

TEST(shutdown, waits_for_submitted_tasks) {
  for (const char* workers : {"1", "2", "4"}) {
    const environment e("TORC_WORKERS", workers);
    std::atomic<int> ran{0};
    torc::init();
    torc::launch(nullptr);
    for (int n = 0; n < 50; ++n) {
      static_cast<void>(torc::submit(torc::here, [&ran] { ++ran; }));
    }
    torc::shutdown();
    EXPECT_EQ(ran, 50);
  }
}

TEST(shutdown, waits_for_tasks_of_external_threads) {
  for (const char* workers : {"1", "2", "4"}) {
    const environment e("TORC_WORKERS", workers);
    std::atomic<int> ran{0};
    torc::init();
    std::thread([&ran] {
      for (int n = 0; n < 50; ++n) {
        static_cast<void>(torc::submit(torc::here, [&ran] { ++ran; }));
      }
    }).join();
    torc::shutdown();
    EXPECT_EQ(ran, 50);
  }
}

TEST(shutdown, without_a_session_does_nothing) {
  torc::shutdown();
  torc::shutdown();
}

TEST(session, many_in_one_process) {
  for (int i = 0; i < 50; ++i) {
    const environment e("TORC_WORKERS", std::to_string(1 + i % 4).c_str());
    EXPECT_EQ(torc::start([i] {
                EXPECT_EQ(torc::num_workers(), 1 + i % 4);
                auto a = torc::spawn(twice, i);
                auto f = torc::submit(twice, 1);
                return a.get() + f.get();
              }),
              2 * i + 2);
  }
}

TEST(session, may_be_empty) {
  for (int i = 0; i < 50; ++i) {
    torc::init();
    torc::shutdown();
  }
}

TEST(session, from_another_thread) {
  std::thread([] { EXPECT_EQ(torc::start(returns_int), 7); }).join();
  EXPECT_EQ(torc::start(returns_int), 7);
}

TEST(session, wakes_up_after_a_pause) {
  torc::start([] {
    for (int i = 0; i < 10; ++i) {
      std::this_thread::sleep_for(3ms); // long enough for the others to sleep
      std::atomic<bool> ran{false};
      auto a = torc::spawn([&ran] { ran = true; });
      test::spin_until(ran);
      a.get();
    }
  });
}

TEST(misuse, init_twice) {
  torc::init();
  EXPECT_THROW(torc::init(), std::logic_error);
  EXPECT_THROW(torc::start(returns_int), std::logic_error);
  EXPECT_EQ(torc::launch(returns_int), 7);
  torc::shutdown();
}

TEST(misuse, launch_without_init) {
  EXPECT_THROW(torc::launch(returns_int), std::logic_error);
  EXPECT_THROW(torc::launch(nullptr), std::logic_error);
}

TEST(misuse, init_launch_or_shutdown_in_a_task) {
  torc::start([] {
    EXPECT_THROW(torc::init(), std::logic_error);
    EXPECT_THROW(torc::launch(returns_int), std::logic_error);
    EXPECT_THROW(torc::launch(nullptr), std::logic_error);
    EXPECT_THROW(torc::shutdown(), std::logic_error);
    torc::submit(torc::on_worker(1).pinned(), [] {
      EXPECT_THROW(torc::launch(returns_int), std::logic_error);
      EXPECT_THROW(torc::shutdown(), std::logic_error);
    }).get();
  });
}

TEST(misuse, shutdown_in_the_scope_of_a_group) {
  torc::init();
  torc::launch(nullptr);
  {
    const torc::group g;
    EXPECT_THROW(torc::shutdown(), std::logic_error);
    EXPECT_EQ(torc::submit(torc::here, returns_int).get(), 7);
  }
  torc::shutdown();
}

TEST(misuse, launch_or_shutdown_on_another_thread) {
  torc::init();
  std::thread([] {
    EXPECT_THROW(torc::init(), std::logic_error);
    EXPECT_THROW(torc::launch(returns_int), std::logic_error);
    EXPECT_THROW(torc::launch(nullptr), std::logic_error);
    EXPECT_THROW(torc::shutdown(), std::logic_error);
  }).join();
  torc::shutdown();
}

long fib(long n) {
  if (n < 2) {
    return n;
  }
  auto a = torc::spawn(fib, n - 1);
  const long b = fib(n - 2);
  return a.get() + b;
}

TEST(serial_elision, a_spawned_child_runs_when_it_is_joined) {
  std::vector<int> order;
  auto a = torc::spawn([&order] {
    order.push_back(1);
    return 4;
  });
  order.push_back(0);
  EXPECT_EQ(a.get(), 4);
  EXPECT_EQ(order, (std::vector{0, 1}));
  EXPECT_EQ(fib(15), test::fibonacci(15));
}

TEST(serial_elision, joins_in_any_order) {
  auto a = torc::spawn(twice, 1);
  auto b = torc::spawn(twice, 2);
  auto c = torc::spawn(twice, 3);
  EXPECT_EQ(b.get(), 4);
  EXPECT_EQ(c.get(), 6);
  EXPECT_EQ(a.get(), 2);
}

TEST(serial_elision, sync_and_scope_ends) {
  int ran = 0;
  {
    auto a = torc::spawn([&ran] { ++ran; });
    torc::sync();
    a.get();
    auto b = torc::spawn([&ran] { ++ran; });
  }
  EXPECT_EQ(ran, 2);
}

TEST(serial_elision, exceptions) {
  auto a = torc::spawn([] { throw std::out_of_range("x"); });
  EXPECT_THROW(a.get(), std::out_of_range);
  EXPECT_THROW({ auto b = torc::spawn([] { throw std::out_of_range("x"); }); }, std::out_of_range);
}

TEST(serial_elision, waits) {
  auto a = torc::spawn(twice, 1);
  auto b = torc::spawn(cotwice, 2);
  EXPECT_EQ(torc::wait(a, b).get(), std::tuple(2, 4));
  auto f = torc::submit(twice, 1);
  EXPECT_EQ(torc::wait(f).get(), 2);
  EXPECT_EQ(torc::wait_any(f).get(), 0u);
  EXPECT_TRUE(torc::wait_for(1s, f).get());
  torc::wait().get();
}

torc::task<int> throws() {
  throw std::out_of_range("x");
  co_return 1;
}
torc::task<> wait_for_three() { co_await torc::wait(cotwice(1), cotwice(2), throws()); }

TEST(serial_elision, on_many_threads_at_once) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int n = 0; n < 20; ++n) {
        EXPECT_EQ(fib(12), test::fibonacci(12));
        EXPECT_EQ(coroutine_returns_int().get(), 8);
        EXPECT_THROW(wait_for_three().get(), std::out_of_range);
      }
    });
  }
  for (auto& t : threads) {
    t.join();
  }
}

TEST(serial_elision, beside_a_session) {
  const test::session s(2);
  std::thread([] {
    EXPECT_EQ(fib(15), test::fibonacci(15));
    EXPECT_EQ(coroutine_returns_int().get(), 8);
  }).join();
}

TEST(queries, outside_a_session) {
  EXPECT_EQ(torc::num_workers(), 1);
  EXPECT_EQ(torc::worker(), -1);
  EXPECT_EQ(torc::num_local_workers(), 1);
  EXPECT_EQ(torc::local_worker(), -1);
}

TEST(queries, inside) {
  test::run(3, [] {
    EXPECT_EQ(torc::num_workers(), 3);
    EXPECT_EQ(torc::num_local_workers(), 3);
    EXPECT_EQ(torc::local_worker(), 0);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(torc::submit(torc::on_worker(i).pinned(), torc::worker).get(), i);
    }
    std::thread([] { EXPECT_EQ(torc::worker(), -1); }).join();
  });
}

TEST(queries, wtime_is_in_seconds_and_never_goes_back) {
  const double begin = torc::wtime();
  std::this_thread::sleep_for(10ms);
  const double end = torc::wtime();
  EXPECT_GE(end - begin, 0.01);
  EXPECT_LT(end - begin, 50);
}

} // namespace
