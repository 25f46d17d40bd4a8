// SPDX-License-Identifier: MIT
#include <chrono>
#include <gtest/gtest.h>
#include <list>
#include <memory>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "session.hpp"

namespace {

using namespace std::chrono_literals;
using test::counted;
using test::run;
using test::spin_until;

/// For tasks that spin until the primary task, which stays on worker 0, does something.
constexpr auto other = torc::on_local_worker(1).pinned();

int twice(int x) { return 2 * x; }
torc::task<int> cotwice(int x) { co_return 2 * x; }

TEST(submit, the_future_has_the_result) {
  run([] {
    auto f = torc::submit(twice, 4);
    EXPECT_EQ(f.get(), 8);
    EXPECT_TRUE(f.done());
    EXPECT_EQ(f.result(), 8);
    EXPECT_EQ(f.exception(), nullptr);
  });
}

TEST(submit, takes_coroutine_functions) {
  run([] { EXPECT_EQ(torc::submit(cotwice, 4).get(), 8); });
}

TEST(future, can_be_awaited) {
  run([]() -> torc::task<> {
    auto f = torc::submit(twice, 4);
    int& result = co_await f;
    EXPECT_EQ(&result, &f.result());
    EXPECT_EQ(co_await torc::submit(cotwice, 5), 10);
    auto fails = torc::submit(torc::here, [] { throw std::runtime_error("at last"); });
    EXPECT_THROW(co_await fails, std::runtime_error);
    auto text = co_await torc::submit([] { return std::make_unique<int>(7); });
    EXPECT_EQ(*text, 7);
  });
}

TEST(submit, results_of_every_kind) {
  run([] {
    int x = 0;
    torc::submit(torc::here, [&x] { x = 1; }).get();
    EXPECT_EQ(x, 1);
    EXPECT_EQ(&torc::submit(torc::here, [&x]() -> int& { return x; }).get(), &x);
    EXPECT_EQ(*torc::submit([] { return std::make_unique<int>(3); }).get(), 3);
    auto kept = torc::submit([] { return std::string("text"); });
    std::string& s = kept.get();
    s += "!";
    EXPECT_EQ(kept.get(), "text!");
    EXPECT_EQ(std::move(kept).get(), "text!");
  });
}

TEST(submit, arguments_are_copied_unless_wrapped_in_ref) {
  run([] {
    std::string text = "before";
    auto f = torc::submit([](const std::string& t) { return t; }, text);
    text = "after";
    EXPECT_EQ(f.get(), "before");
    auto g = torc::submit(
        torc::here, [](std::string& t) { return &t; }, std::ref(text));
    EXPECT_EQ(g.get(), &text);
    auto h = torc::submit([](std::unique_ptr<int> p) { return *p; }, std::make_unique<int>(2));
    EXPECT_EQ(h.get(), 2);
    using pointers = std::vector<std::unique_ptr<int>>; // which only seems to be copyable
    auto i = torc::submit([](pointers v) { return v.size(); }, pointers(3));
    EXPECT_EQ(i.get(), 3u);
  });
}

TEST(submit, nothing_is_left_of_arguments_and_results) {
  run([] {
    for (int i = 0; i < 100; ++i) {
      auto taken = torc::submit(
          torc::here, [](counted c) { return c; }, counted(1));
      static_cast<void>(torc::submit(
          torc::here, [](counted c) { return c; }, counted(2)));
      EXPECT_EQ(std::move(taken).get().value, 1);
    }
  });
  EXPECT_EQ(counted::alive, 0);
}

TEST(submit, arguments_die_with_the_task_and_not_with_the_future) {
  run([] {
    auto f = torc::submit(
        torc::here, [](const counted&) {}, counted(1));
    f.get();
    torc::sync();
    EXPECT_EQ(counted::alive, 0);
  });
}

TEST(submit, a_dropped_task_runs_before_its_parent_ends) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      std::atomic<int> ran{0};
      auto parent = torc::submit(torc::here, [&ran] {
        for (int i = 0; i < 100; ++i) {
          static_cast<void>(torc::submit(torc::here, [&ran] { ++ran; }));
        }
      });
      parent.get();
      EXPECT_EQ(ran, 100);
    });
  }
}

TEST(submit, a_spawned_child_waits_for_what_it_submitted) {
  for (const int workers : {1, 2}) {
    run(workers, [] {
      std::atomic<int> ran{0};
      for (int i = 0; i < 50; ++i) {
        auto child = torc::spawn([&ran] {
          static_cast<void>(torc::submit(torc::here, [&ran] { ++ran; }));
          static_cast<void>(torc::submit(torc::here, [&ran] { ++ran; }));
        });
        child.get();
        EXPECT_EQ(ran, 2 * i + 2);
      }
    });
  }
}

TEST(submit, a_coroutine_waits_for_what_it_submitted) {
  for (const int workers : {1, 2}) {
    run(workers, []() -> torc::task<> {
      std::atomic<int> ran{0};
      const auto submits = [&ran]() -> torc::task<> {
        static_cast<void>(torc::submit(torc::here, [&ran] { ++ran; }));
        co_await cotwice(1);
        static_cast<void>(torc::submit(torc::here, [&ran] { ++ran; }));
      };
      for (int i = 0; i < 50; ++i) {
        co_await submits();
        EXPECT_EQ(ran, 2 * i + 2);
        co_await torc::wait(submits(), submits());
        EXPECT_EQ(ran, 2 * i + 6);
        ran = 2 * i + 2;
      }
    });
  }
}

TEST(submit, sync_joins_submitted_tasks) {
  run([] {
    std::atomic<int> ran{0};
    for (int i = 0; i < 100; ++i) {
      static_cast<void>(torc::submit(torc::here, [&ran] { ++ran; }));
    }
    torc::sync();
    EXPECT_EQ(ran, 100);
  });
}

TEST(submit, tasks_submit_tasks) {
  struct tree {
    static int size(int depth) {
      if (depth == 0) {
        return 1;
      }
      auto left = torc::submit(&size, depth - 1);
      auto right = torc::submit(&size, depth - 1);
      return left.get() + right.get() + 1;
    }
  };
  for (const int workers : {1, 2, 4}) {
    run(workers, [] { EXPECT_EQ(tree::size(8), 511); });
  }
}

TEST(submit, a_future_outlives_the_task_that_submitted) {
  run([] {
    torc::future<int> f;
    EXPECT_FALSE(f.valid());
    auto child = torc::spawn([&f] { f = torc::submit(twice, 3); });
    child.get();
    EXPECT_TRUE(f.valid());
    EXPECT_TRUE(f.done());
    EXPECT_EQ(f.get(), 6);
  });
}

TEST(submit, a_future_outlives_the_session) {
  torc::future<counted> f;
  run([&f] { f = torc::submit(torc::here, [] { return counted(3); }); });
  EXPECT_TRUE(f.done());
  EXPECT_EQ(f.get().value, 3);
  f = {};
  EXPECT_EQ(counted::alive, 0);
}

TEST(submit, another_thread_may_use_its_futures_while_the_session_ends) {
  const auto fail = [] { throw std::runtime_error("nobody asks"); };
  testing::internal::CaptureStderr();
  for (int round = 0; round < 20; ++round) {
    std::atomic<bool> submitted{false};
    std::thread outside;
    run([&] {
      outside = std::thread([&] {
        std::vector<torc::future<void>> futures;
        for (int i = 0; i < 20; ++i) {
          futures.push_back(torc::submit(torc::here, fail));
        }
        for (auto& f : futures) {
          while (!f.done()) {
            std::this_thread::yield();
          }
        }
        submitted = true;
        for (auto& f : futures) {
          f.cancel();
          torc::num_workers();
        }
      });
      spin_until(submitted);
    });
    outside.join();
  }
  EXPECT_NE(testing::internal::GetCapturedStderr().find("nobody asks"), std::string::npos);
}

TEST(submit, without_a_runtime_the_task_runs_at_once) {
  bool ran = false;
  auto f = torc::submit(torc::here, [&ran] {
    ran = true;
    return 3;
  });
  EXPECT_TRUE(ran);
  EXPECT_TRUE(f.done());
  EXPECT_EQ(f.get(), 3);
}

TEST(placement, a_pinned_task_runs_where_it_was_sent) {
  run(4, [] {
    std::vector<torc::future<int>> futures;
    for (int i = 0; i < 400; ++i) {
      futures.push_back(torc::submit(torc::on_worker(i % 4).pinned(), [] {
        const int begin = torc::worker();
        auto a = torc::spawn([] { std::this_thread::yield(); });
        auto b = torc::submit([] { std::this_thread::yield(); });
        a.get();
        b.get();
        EXPECT_EQ(torc::worker(), begin); // from beginning to end
        return begin;
      }));
    }
    for (int i = 0; i < 400; ++i) {
      EXPECT_EQ(futures[static_cast<std::size_t>(i)].get(), i % 4);
    }
  });
}

TEST(placement, a_pinned_coroutine_stays_where_it_was_sent) {
  run(3, [] {
    for (int i = 0; i < 90; ++i) {
      auto f = torc::submit(torc::on_worker(i % 3).pinned(), []() -> torc::task<int> {
        const int begin = torc::worker();
        for (int n = 0; n < 10; ++n) {
          co_await torc::wait(cotwice(1), cotwice(2));
          auto g = torc::submit([] { std::this_thread::yield(); });
          co_await torc::wait(g);
          EXPECT_EQ(torc::worker(), begin);
        }
        co_return begin;
      });
      EXPECT_EQ(f.get(), i % 3);
    }
  });
}

TEST(placement, here_pinned_is_the_worker_that_submits) {
  run(3, [] {
    for (int i = 0; i < 50; ++i) {
      const int before = torc::worker();
      auto f = torc::submit(torc::here.pinned(), [] { return torc::worker(); });
      EXPECT_EQ(f.get(), before);
    }
  });
}

TEST(placement, cyclic_uses_every_worker) {
  run(4, [] {
    std::vector<torc::future<int>> futures;
    for (int i = 0; i < 8; ++i) {
      futures.push_back(torc::submit(torc::cyclic.pinned(), [] { return torc::worker(); }));
    }
    std::multiset<int> used;
    for (auto& f : futures) {
      used.insert(f.get());
    }
    EXPECT_EQ(used, (std::multiset{0, 0, 1, 1, 2, 2, 3, 3}));
  });
}

TEST(placement, a_task_sent_to_a_busy_worker_is_stolen) {
  run([] {
    const int here = torc::worker();
    auto f = torc::submit(torc::on_worker(here), [] { return torc::worker(); });
    while (!f.done()) {
      std::this_thread::yield(); // keeps this worker busy
    }
    EXPECT_EQ(f.get(), 1 - here);
  });
}

TEST(placement, no_such_worker) {
  run([] {
    EXPECT_THROW(static_cast<void>(torc::submit(torc::on_worker(-1), twice, 1)), std::out_of_range);
    EXPECT_THROW(static_cast<void>(torc::submit(torc::on_worker(2), twice, 1)), std::out_of_range);
    EXPECT_THROW(static_cast<void>(torc::submit(torc::on_worker(2).pinned(), twice, 1)),
                 std::out_of_range);
    EXPECT_EQ(torc::submit(torc::on_worker(1), twice, 1).get(), 2);
  });
}

TEST(placement, higher_levels_go_first) {
  run([] {
    std::atomic<bool> started{false};
    std::atomic<bool> released{false};
    auto busy = torc::submit(other, [&] {
      started = true;
      spin_until(released);
    });
    spin_until(started);
    std::vector<int> order;
    for (const int level : {0, 5, 9, 5, 0, 1}) {
      const auto note = [&order, level] { order.push_back(level); };
      static_cast<void>(torc::submit(other.priority(level), note));
    }
    released = true;
    torc::sync();
    EXPECT_EQ(order, (std::vector{9, 5, 5, 1, 0, 0}));
  });
}

TEST(placement, there_are_ten_levels) {
  EXPECT_THROW(static_cast<void>(torc::here.priority(10)), std::out_of_range);
  EXPECT_THROW(static_cast<void>(torc::on_rank(0).pinned().priority(-1)), std::out_of_range);
  EXPECT_NO_THROW(static_cast<void>(torc::cyclic.priority(9)));
}

TEST(future, result_of_an_unfinished_task_is_a_logic_error) {
  run([] {
    std::atomic<bool> released{false};
    auto f = torc::submit(torc::here, [&released] {
      spin_until(released);
      return 1;
    });
    EXPECT_FALSE(f.done());
    EXPECT_THROW(f.result(), std::logic_error);
    EXPECT_EQ(f.exception(), nullptr);
    released = true;
    EXPECT_EQ(f.get(), 1);
  });
}

TEST(future, exception_is_thrown_at_every_get) {
  run([] {
    auto f = torc::submit([] { throw std::out_of_range("x"); });
    EXPECT_THROW(f.get(), std::out_of_range);
    EXPECT_THROW(f.get(), std::out_of_range);
    EXPECT_THROW(f.result(), std::out_of_range);
    EXPECT_NE(f.exception(), nullptr);
    EXPECT_THROW(std::move(f).get(), std::out_of_range);
  });
}

TEST(future, is_moved) {
  run([] {
    auto f = torc::submit(twice, 2);
    torc::future<int> g = std::move(f);
    EXPECT_FALSE(f.valid());
    EXPECT_TRUE(g.valid());
    f = std::move(g);
    EXPECT_TRUE(f.valid());
    EXPECT_EQ(f.get(), 4);
  });
}

TEST(future, without_a_task_says_so) {
  run([] {
    std::vector<torc::future<int>> futures(2);
    torc::future<int>& empty = futures[1]; // moved from
    torc::future<int> good = torc::submit(twice, 2);
    empty = std::move(good);
    futures[0] = std::move(empty);
    EXPECT_THROW(empty.get(), std::logic_error);
    EXPECT_THROW(std::move(empty).get(), std::logic_error);
    EXPECT_THROW(empty.wait(), std::logic_error);
    EXPECT_THROW(empty.result(), std::logic_error);
    EXPECT_THROW(static_cast<void>(empty.done()), std::logic_error);
    EXPECT_THROW(static_cast<void>(empty.exception()), std::logic_error);
    EXPECT_THROW(empty.cancel(), std::logic_error);
    EXPECT_THROW(static_cast<void>(empty.input<int>()), std::logic_error);
    EXPECT_THROW(empty.callback([](auto&) {}), std::logic_error);
    EXPECT_THROW(torc::wait_any(futures).get(), std::logic_error);
    EXPECT_THROW(torc::wait_for(std::chrono::seconds(1), futures).get(), std::logic_error);
    EXPECT_THROW(torc::as_completed(futures), std::logic_error);
    EXPECT_THROW(torc::wait(futures).get(), std::logic_error);
    // What is awaited beside it is still joined.
    auto child = torc::spawn(twice, 3);
    EXPECT_THROW(torc::wait(futures[0], child, empty).get(), std::logic_error);
    auto [first, second] = torc::wait_all(futures[0], empty).get();
    EXPECT_EQ(first.value(), 4);
    EXPECT_THROW(second.value(), std::logic_error);
  });
}

TEST(future, several_tasks_wait_for_one) {
  run(4, [] {
    std::atomic<int> waiting{0};
    const auto f = torc::submit(torc::here, [&waiting] { spin_until(waiting, 3); });
    auto a = torc::submit(torc::here, [&] {
      ++waiting;
      f.wait();
    });
    auto b = torc::submit(torc::here, [&] {
      ++waiting;
      f.wait();
    });
    auto c = torc::submit(torc::here, [&] {
      ++waiting;
      f.wait();
    });
    torc::wait(a, b, c).get();
    EXPECT_TRUE(f.done());
  });
}

TEST(wait_any, gives_one_that_is_done) {
  run([]() -> torc::task<> {
    std::atomic<bool> released{false};
    auto slow = torc::submit(other, [&released] { spin_until(released); });
    auto quick = torc::submit([] {});
    const std::size_t which = co_await torc::wait_any(slow, quick);
    EXPECT_EQ(which, 1u);
    EXPECT_TRUE(quick.done());
    released = true;
    co_await torc::wait(slow);
    std::vector<torc::future<int>> futures;
    for (int i = 0; i < 10; ++i) {
      futures.push_back(torc::submit(twice, i));
    }
    const std::size_t first = co_await torc::wait_any(futures);
    EXPECT_TRUE(futures.at(first).done());
  });
}

TEST(wait_any, in_a_plain_function_until_all_are_done) {
  run([] {
    std::vector<torc::future<int>> futures;
    for (int i = 0; i < 20; ++i) {
      futures.push_back(torc::submit(twice, i));
    }
    int sum = 0;
    while (!futures.empty()) {
      const std::size_t i = torc::wait_any(futures).get();
      sum += futures[i].result();
      futures.erase(futures.begin() + static_cast<std::ptrdiff_t>(i));
    }
    EXPECT_EQ(sum, 380);
  });
}

TEST(wait_any, counts_failed_tasks_as_done) {
  run([] {
    auto f = torc::submit([] { throw std::runtime_error("x"); });
    EXPECT_EQ(torc::wait_any(f).get(), 0u);
    EXPECT_THROW(f.get(), std::runtime_error);
  });
}

TEST(wait_any, needs_a_future) {
  run([] {
    std::vector<torc::future<int>> none;
    EXPECT_THROW(torc::wait_any(none).get(), std::invalid_argument);
  });
}

TEST(wait_for, says_whether_all_are_done_in_time) {
  run([]() -> torc::task<> {
    std::atomic<bool> released{false};
    auto slow = torc::submit(other, [&released] { spin_until(released); });
    auto quick = torc::submit([] {});
    const double begin = torc::wtime();
    EXPECT_FALSE(co_await torc::wait_for(20ms, slow, quick));
    EXPECT_GE(torc::wtime() - begin, 0.02);
    EXPECT_FALSE(slow.done());
    released = true;
    EXPECT_TRUE(co_await torc::wait_for(10min, slow, quick));
    EXPECT_TRUE(slow.done());
  });
}

TEST(wait_for, a_range_in_a_plain_function) {
  run([] {
    std::vector<torc::future<int>> futures;
    EXPECT_TRUE(torc::wait_for(1ms, futures).get());
    for (int i = 0; i < 10; ++i) {
      futures.push_back(torc::submit(twice, i));
    }
    EXPECT_TRUE(torc::wait_for(10min, futures).get());
    for (auto& f : futures) {
      EXPECT_TRUE(f.done());
    }
    EXPECT_TRUE(torc::wait_for(0ms, futures).get());
    EXPECT_TRUE(torc::wait_for(-1h, futures).get());
  });
}

TEST(wait_for, no_time_at_all) {
  run([] {
    std::atomic<bool> released{false};
    auto f = torc::submit(other, [&released] { spin_until(released); });
    EXPECT_FALSE(torc::wait_for(0s, f).get());
    EXPECT_FALSE(torc::wait_for(-1s, f).get());
    released = true;
    f.wait();
  });
}

TEST(wait_for, forever) {
  run([] {
    auto f = torc::submit(twice, 1);
    EXPECT_TRUE(torc::wait_for(std::chrono::hours::max(), f).get());
    auto g = torc::submit([] { std::this_thread::sleep_for(5ms); });
    EXPECT_TRUE(torc::wait_for(std::chrono::nanoseconds::max(), g).get());
    auto h = torc::submit([] { std::this_thread::sleep_for(5ms); });
    EXPECT_TRUE(torc::wait_for(std::chrono::duration<double>(1e30), h).get());
  });
}

TEST(wait_for, many_deadlines_at_once) {
  run([] {
    std::atomic<bool> released{false};
    auto never = torc::submit(other, [&released] { spin_until(released); });
    std::vector<torc::future<bool>> waits;
    for (int i = 0; i < 100; ++i) {
      waits.push_back(torc::submit(torc::on_local_worker(0).pinned(), [&never, i] {
        return torc::wait_for(std::chrono::milliseconds((i * 37) % 20), never).get();
      }));
    }
    for (auto& w : waits) {
      EXPECT_FALSE(w.get());
    }
    released = true;
    never.wait();
  });
}

TEST(as_completed, gives_every_future_once_and_done) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      std::vector<torc::future<int>> futures;
      for (int i = 0; i < 200; ++i) {
        futures.push_back(torc::submit(twice, i));
      }
      std::set<int> seen;
      for (auto& f : torc::as_completed(futures)) {
        EXPECT_TRUE(f.done());
        seen.insert(f.result());
      }
      EXPECT_EQ(seen.size(), 200u);
    });
  }
}

TEST(as_completed, gives_them_in_the_order_they_end) {
  run([] {
    std::atomic<int> turn{0};
    std::vector<torc::future<int>> futures;
    futures.push_back(torc::submit(other, [&turn] {
      spin_until(turn, 1);
      return 0;
    }));
    futures.push_back(torc::submit([] { return 1; }));
    int expected = 1;
    for (auto& f : torc::as_completed(futures)) {
      EXPECT_EQ(f.get(), expected);
      expected = 0;
      turn = 1;
    }
  });
}

TEST(as_completed, in_a_coroutine) {
  run([]() -> torc::task<> {
    std::list<torc::future<int>> futures;
    for (int i = 0; i < 50; ++i) {
      futures.push_back(torc::submit(twice, i));
    }
    auto stream = torc::as_completed(futures);
    int sum = 0;
    while (auto* f = co_await stream.next()) {
      sum += f->get();
    }
    EXPECT_EQ(sum, 2450);
    EXPECT_EQ(co_await stream.next(), nullptr);
  });
}

TEST(as_completed, of_nothing) {
  run([] {
    std::vector<torc::future<int>> none;
    for ([[maybe_unused]] auto& f : torc::as_completed(none)) {
      ADD_FAILURE();
    }
  });
}

TEST(as_completed, may_be_left_early) {
  run([] {
    for (int round = 0; round < 50; ++round) {
      std::vector<torc::future<int>> futures;
      for (int i = 0; i < 20; ++i) {
        futures.push_back(torc::submit(twice, i));
      }
      for (auto& f : torc::as_completed(futures)) {
        EXPECT_TRUE(f.done());
        break;
      }
      torc::sync();
    }
  });
}

TEST(as_completed, what_it_has_given_may_be_moved_away) {
  run([] {
    std::vector<torc::future<int>> futures;
    for (int i = 0; i < 20; ++i) {
      futures.push_back(torc::submit(twice, i));
    }
    std::vector<torc::future<int>> done;
    for (auto& f : torc::as_completed(futures)) {
      done.push_back(std::move(f));
    }
    int sum = 0;
    for (auto& f : done) {
      sum += f.get();
    }
    EXPECT_EQ(sum, 19 * 20);
  });
}

TEST(as_completed, includes_failed_tasks) {
  run([] {
    std::vector<torc::future<int>> futures;
    for (int i = 0; i < 10; ++i) {
      futures.push_back(
          torc::submit(torc::here, [i] { return i % 2 == 0 ? i : throw std::runtime_error("x"); }));
    }
    int failed = 0;
    for (auto& f : torc::as_completed(futures)) {
      failed += f.exception() != nullptr;
    }
    EXPECT_EQ(failed, 5);
  });
}

TEST(external_thread, submits_and_gets) {
  const test::session s(2);
  std::vector<std::thread> threads;
  std::atomic<int> sum{0};
  std::atomic<int> finished{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      EXPECT_EQ(torc::worker(), -1);
      for (int i = 0; i < 50; ++i) {
        auto f = torc::submit(twice, t);
        auto g = torc::submit(torc::on_worker(i % 2).pinned(), [] { return torc::worker(); });
        auto h = torc::submit(torc::here, cotwice, t);
        sum += f.get() + h.get();
        EXPECT_EQ(g.get(), i % 2);
      }
      ++finished;
    });
  }
  torc::launch([&finished] {
    while (finished < 4) {
      torc::submit([] { std::this_thread::yield(); }).get();
    }
  });
  for (auto& t : threads) {
    t.join();
  }
  EXPECT_EQ(sum, 4 * 50 * (0 + 1 + 2 + 3));
}

TEST(external_thread, is_served_while_the_workers_sleep) {
  const test::session s(2);
  std::thread external([] {
    for (int i = 0; i < 20; ++i) {
      std::this_thread::sleep_for(1ms);
      EXPECT_EQ(torc::submit(torc::on_worker(1), twice, i).get(), 2 * i);
    }
  });
  external.join();
}

TEST(external_thread, waits_in_every_way) {
  const test::session s(2);
  std::thread external([] {
    std::vector<torc::future<int>> futures;
    for (int i = 0; i < 20; ++i) {
      futures.push_back(torc::submit(torc::on_worker(1).pinned(), twice, i));
    }
    EXPECT_LT(torc::wait_any(futures).get(), 20u);
    EXPECT_TRUE(torc::wait_for(10min, futures).get());
    EXPECT_EQ(torc::wait(futures).get().at(3), 6);
    int n = 0;
    for (auto& f : torc::as_completed(futures)) {
      n += f.done();
    }
    EXPECT_EQ(n, 20);
    std::atomic<bool> released{false};
    auto slow = torc::submit(other, [&released] { spin_until(released); });
    EXPECT_FALSE(torc::wait_for(5ms, slow).get());
    released = true;
    slow.wait();
  });
  external.join();
}

TEST(external_thread, waits_while_the_session_ends) {
  for (int round = 0; round < 20; ++round) {
    auto s = std::make_unique<test::session>(2);
    torc::submit(torc::here, [] {
      auto cancelled = torc::submit(torc::here, [] {}); // so that stop points look
      cancelled.cancel();
    }).wait();
    auto f = torc::submit(other, twice, round);
    std::thread external([&f, round] { EXPECT_EQ(f.get(), 2 * round); });
    s.reset();
    external.join();
  }
}

TEST(external_thread, exceptions_reach_it) {
  const test::session s(2);
  std::thread external([] {
    auto f = torc::submit(torc::on_worker(1), [] { throw std::out_of_range("x"); });
    EXPECT_THROW(f.get(), std::out_of_range);
  });
  external.join();
}

TEST(external_thread, a_task_waits_for_what_an_external_thread_submitted) {
  const test::session s(2);
  torc::future<int> f;
  std::atomic<bool> released{false};
  std::thread external([&] {
    f = torc::submit(other, [&released] {
      spin_until(released);
      return 5;
    });
  });
  external.join();
  torc::launch([&] {
    released = true;
    EXPECT_EQ(f.get(), 5);
  });
}

TEST(as_completed, of_a_view) {
  run([] {
    std::vector<torc::future<int>> futures;
    for (int i = 0; i < 10; ++i) {
      futures.push_back(torc::submit(twice, i));
    }
    int sum = 0;
    for (auto& f : torc::as_completed(std::span(futures).first(4))) {
      sum += f.get();
    }
    EXPECT_EQ(sum, 12);
  });
}

TEST(tuples, of_futures_lasting_and_temporary) {
  run([] {
    std::tuple futures(torc::submit(twice, 1), torc::submit(twice, 2));
    std::tuple<int&, int&> results = torc::wait(futures).get();
    EXPECT_EQ(results, std::tuple(2, 4));
    auto [a, b] = torc::wait_all(futures).get();
    EXPECT_EQ(a.value() + b.value(), 6);
    const std::tuple<int, int> values =
        torc::wait(std::tuple(torc::submit(twice, 3), torc::submit(twice, 4))).get();
    EXPECT_EQ(values, std::tuple(6, 8));
    auto [c, d] = torc::wait_all(std::tuple(torc::submit(twice, 5), torc::submit(twice, 6))).get();
    EXPECT_EQ(c.value() + d.value(), 22);
  });
}

} // namespace
