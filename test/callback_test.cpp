// SPDX-License-Identifier: MIT
// Callbacks of submitted tasks, and the options detached, uncounted and keep_input.

#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "session.hpp"

namespace {

using test::counted;
using test::environment;
using test::run;
using test::spin_until;

constexpr auto other = torc::on_local_worker(1).pinned();

int twice(int x) { return 2 * x; }
int fails(int) { throw std::out_of_range("x"); }

TEST(callback, gets_the_task_with_its_result) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      std::atomic<int> sum{0};
      std::vector<torc::future<int>> tasks;
      for (int i = 0; i < 100; ++i) {
        tasks.push_back(torc::submit(twice, i).callback([&sum](torc::future<int>& t) {
          EXPECT_TRUE(t.done());
          sum += t.result();
        }));
      }
      torc::sync(); // for the callbacks as well
      EXPECT_EQ(sum, 9900);
      EXPECT_EQ(tasks[7].result(), 14);
    });
  }
}

TEST(callback, of_a_task_that_has_ended) {
  run([] {
    auto t = torc::submit(twice, 4);
    t.get();
    std::atomic<int> seen{0};
    t.callback([&seen](torc::future<int>& x) { seen = x.get(); });
    torc::sync();
    EXPECT_EQ(seen, 8);
  });
}

TEST(callback, races_with_the_end_of_the_task) {
  run([] {
    std::atomic<int> called{0};
    for (int i = 0; i < 2000; ++i) {
      auto t = torc::submit(torc::on_worker(1), twice, i);
      for (int k = i % 50; k > 0; --k) {
        static_cast<void>(t.done());
      }
      t.callback([&called](torc::future<int>&) { ++called; });
      t.callback(torc::here.direct(), [&called](torc::future<int>&) { ++called; });
    }
    torc::sync();
    EXPECT_EQ(called, 4000);
  });
}

TEST(callback, may_be_placed) {
  run([] {
    long sum = 0; // no atomic: all callbacks run on one worker
    for (int i = 0; i < 100; ++i) {
      torc::submit(twice, i).callback(other, [&sum](torc::future<int>& t) {
        EXPECT_EQ(torc::worker(), 1);
        sum += t.result();
      });
    }
    torc::sync();
    EXPECT_EQ(sum, 9900);
  });
}

TEST(callback, several_start_in_the_order_in_which_they_were_added) {
  run([] {
    std::atomic<bool> released{false};
    auto t = torc::submit(other, [&released] { spin_until(released); });
    std::string order;
    for (const char c : {'a', 'b', 'c', 'd'}) {
      t.callback(torc::on_local_worker(0).pinned(),
                 [&order, c](torc::future<void>&) { order += c; });
    }
    released = true;
    torc::sync();
    EXPECT_EQ(order, "abcd");
  });
}

TEST(callback, is_called_although_the_future_is_dropped_or_moved) {
  run([] {
    std::atomic<int> called{0};
    static_cast<void>(torc::submit(twice, 1).callback([&called](torc::future<int>&) { ++called; }));
    auto t = torc::submit(twice, 1);
    t.callback([&called](torc::future<int>&) { ++called; });
    const auto moved = std::move(t);
    torc::sync();
    EXPECT_EQ(called, 2);
  });
}

TEST(callback, may_be_a_coroutine_and_submit_and_wait) {
  run([]() -> torc::task<> {
    std::atomic<int> sum{0};
    auto t = torc::submit(twice, 2);
    const auto adds = [&sum](torc::future<int>& x) -> torc::task<> {
      auto more = torc::submit(twice, x.result());
      sum += co_await torc::wait(more);
    };
    t.callback(adds);
    co_await torc::wait();
    EXPECT_EQ(sum, 8);
  });
}

TEST(callback, sees_the_exception_of_the_task) {
  run([] {
    std::atomic<int> seen{0};
    auto t = torc::submit(fails, 1).callback([&seen](torc::future<int>& x) {
      EXPECT_THROW(x.result(), std::out_of_range);
      seen = x.exception() != nullptr;
    });
    EXPECT_NO_THROW(torc::sync()); // somebody has asked
    EXPECT_EQ(seen, 1);
  });
}

/// doc/failure.md: what follows on a task that fails or is stopped.
TEST(callback, is_called_whatever_becomes_of_the_task) {
  run([] {
    std::atomic<int> seen{0};
    const auto note = [&seen](auto& x) { seen += x.exception() != nullptr; };
    const auto follow = [&seen](torc::future<int>& x) {
      ++seen;
      return x.get(); // so this fails as well
    };
    torc::future<int> failed = torc::submit(fails, 1);
    failed.callback(follow);
    auto next = torc::submit(torc::here, [&failed] { return failed.get(); });
    next.callback(note);
    EXPECT_THROW(next.get(), std::out_of_range);
    EXPECT_THROW(torc::sync(), std::out_of_range) << "of the callback";
    EXPECT_EQ(seen, 2);

    torc::future<void> stopped, never_run;
    std::atomic<bool> running{false};
    stopped = torc::submit(torc::on_local_worker(1).pinned(), [&] {
      for (running = true;; std::this_thread::yield()) {
        torc::stop_point();
      }
    });
    spin_until(running);
    never_run = torc::submit(torc::on_local_worker(1).pinned(), [] {});
    never_run.callback(note).cancel();
    stopped.callback(note).cancel();
    torc::sync();
    EXPECT_THROW(stopped.get(), torc::cancelled);
    EXPECT_THROW(never_run.get(), torc::cancelled);
    EXPECT_EQ(seen, 4);
  });
}

TEST(callback, is_dropped_with_its_group) {
  run([] {
    std::atomic<int> called{0};
    EXPECT_THROW(
        {
          const torc::group g;
          torc::submit(torc::here.pinned(), twice, 1).callback([&called](auto&) { ++called; });
          torc::submit(torc::here.pinned(), fails, 1).callback([&called](auto&) { ++called; });
          torc::sync();
          ++called;
        },
        std::out_of_range);
    EXPECT_LE(called, 1) << "that of the task which ended before";
  });
}

TEST(callback, its_exception_is_thrown_at_the_end_of_the_task_that_added_it) {
  run([] {
    for (int i = 0; i < 20; ++i) {
      auto t = torc::submit(twice, 1);
      const auto fail = [](torc::future<int>&) { throw std::range_error("callback"); };
      if (i % 2 == 0) {
        t.callback(fail);
      } else {
        t.callback(torc::here.direct(), fail);
      }
      EXPECT_EQ(t.get(), 2);
      EXPECT_THROW(torc::sync(), std::range_error);
    }
  });
}

TEST(callback, direct_is_called_while_all_workers_are_busy) {
  std::atomic<int> seen{0}, more{0};
  run([&] {
    auto t = torc::submit(torc::on_local_worker(1), twice, 3);
    t.callback(torc::here.direct(), [&](torc::future<int>& x) {
      EXPECT_EQ(torc::worker(), -1);
      EXPECT_EQ(torc::num_workers(), 2);
      static_cast<void>(torc::submit(torc::here, [&more] { ++more; }));
      seen = x.result();
    });
    auto busy = torc::submit(torc::on_local_worker(1), [&seen] { spin_until(seen, 6); });
    spin_until(seen, 6);
    busy.get();
    EXPECT_EQ(torc::worker(), 0);
    torc::sync();
  });
  EXPECT_EQ(more, 1); // detached, so to say
}

TEST(callback, without_a_runtime_is_called_at_once) {
  int seen = 0;
  torc::submit(twice, 3).callback([&seen](torc::future<int>& t) { seen += t.result(); });
  torc::submit(twice, 3).callback(torc::here.direct(),
                                  [&seen](torc::future<int>& t) { seen += t.result(); });
  EXPECT_EQ(seen, 12);
}

TEST(callback, nothing_is_left_of_it) {
  run([] {
    for (int i = 0; i < 100; ++i) {
      torc::submit(
          torc::here, [](counted c) { return c; }, counted(1))
          .callback([kept = counted(2)](torc::future<counted>& t) {
            EXPECT_EQ(t.result().value + kept.value, 3);
          });
    }
  });
  EXPECT_EQ(counted::alive, 0);
}

TEST(detached, is_not_waited_for_by_the_task_that_submits_it) {
  std::atomic<bool> released{false}, ran{false};
  test::run([&] {
    auto parent = torc::submit(torc::here, [&] {
      static_cast<void>(torc::submit(other.detached(), [&] {
        spin_until(released);
        ran = true;
      }));
    });
    parent.get();
    torc::sync();
    EXPECT_FALSE(ran);
    released = true;
  });
  EXPECT_TRUE(ran); // shutdown has waited
}

TEST(detached, may_submit_more) {
  for (const int workers : {1, 2, 4}) {
    static std::atomic<int> ran;
    ran = 0;
    struct chain {
      static void link(int left) {
        ++ran;
        if (left > 0) {
          static_cast<void>(torc::submit(torc::here.detached(), &link, left - 1));
          static_cast<void>(torc::submit(torc::cyclic.detached(), &link, left - 1));
        }
      }
    };
    run(workers, [] { static_cast<void>(torc::submit(torc::here.detached(), &chain::link, 8)); });
    EXPECT_EQ(ran, 511);
  }
}

TEST(detached, its_future_and_exception) {
  testing::internal::CaptureStderr();
  run([] {
    EXPECT_EQ(torc::submit(torc::cyclic.detached(), twice, 4).get(), 8);
    auto asked = torc::submit(torc::cyclic.detached(), fails, 0);
    EXPECT_THROW(asked.get(), std::out_of_range);
    static_cast<void>(torc::submit(torc::cyclic.detached(), fails, 1));
    static_cast<void>(torc::submit(torc::cyclic.detached(), fails, 2));
  });
  const std::string text = testing::internal::GetCapturedStderr();
  std::size_t lines = 0;
  for (const char c : text) {
    lines += c == '\n';
  }
  EXPECT_EQ(lines, 2u) << text;
}

/// Keeps what it holds for as long as it lives itself.
struct holding : std::runtime_error {
  explicit holding(std::shared_ptr<int> p) : std::runtime_error("holding"), held(std::move(p)) {}
  std::shared_ptr<int> held;
};

TEST(detached, a_failure_is_reported_when_nobody_can_ask_any_more) {
  testing::internal::CaptureStderr();
  run([] {
    const auto held = std::make_shared<int>();
    auto future = torc::submit(torc::here.detached(), [held] { throw holding(held); });
    static_cast<void>(torc::submit(torc::here.detached(), [held] { throw holding(held); }));
    future.wait();
    future = {};
    while (held.use_count() > 1) { // not at the end of the session only
      torc::submit(torc::here, [] {}).get();
    }
  });
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("holding"), text.rfind("holding")) << text;
}

template <class App>
std::string statistics_of(App app) {
  const environment e("TORC_STATS", "1");
  testing::internal::CaptureStderr();
  run(app);
  return testing::internal::GetCapturedStderr();
}

TEST(statistics, count_tasks_and_callbacks_but_not_what_is_uncounted) {
  const std::string text = statistics_of([] {
    for (int i = 0; i < 4; ++i) {
      static_cast<void>(torc::submit(twice, i));
      static_cast<void>(torc::submit(torc::cyclic.uncounted(), twice, i));
    }
    torc::submit(twice, 1)
        .callback([](torc::future<int>&) {})
        .callback(torc::here.uncounted(), [](torc::future<int>&) {});
  });
  EXPECT_EQ(text.find("TORC: main starts\n"), 0u) << text;
  EXPECT_NE(text.find("\nTORC: node[0]: created=6, executed=6\n"), text.npos) << text;
}

torc::task<int> five() { co_return 5; }

TEST(statistics, count_a_submitted_coroutine_once_and_not_where_get_calls_one) {
  const std::string text = statistics_of([] {
    static_cast<void>(torc::submit(five));
    static_cast<void>(five().get());
  });
  EXPECT_NE(text.find("\nTORC: node[0]: created=1, executed=1\n"), text.npos) << text;
}

TEST(input, is_what_the_task_was_called_with) {
  run([] {
    auto one = torc::submit(torc::cyclic.keep_input(), twice, 4);
    auto two = torc::submit(
        torc::here.priority(1).keep_input(),
        [](std::string s, int n) { return s + s[0] + char(n); }, std::string("ab"), 65);
    EXPECT_EQ(one.input<int>(), 4); // before and after
    EXPECT_EQ(one.get(), 8);
    EXPECT_EQ(two.get(), "abaA");
    EXPECT_EQ(one.input<int>(), 4);
    EXPECT_EQ((two.input<std::string, int>()), std::tuple("ab", 65));
    EXPECT_EQ(torc::submit(torc::here.keep_input(), [] {}).input<>(), std::tuple<>());
  });
}

TEST(input, is_known_to_callbacks_and_streams) {
  run([] {
    std::atomic<int> sum{0};
    std::vector<torc::future<int>> tasks;
    for (int i = 0; i < 20; ++i) {
      tasks.push_back(
          torc::submit(torc::cyclic.keep_input(), twice, i).callback([&sum](torc::future<int>& t) {
            sum += t.input<int>();
          }));
    }
    for (auto& t : torc::as_completed(tasks)) {
      EXPECT_EQ(t.result(), 2 * t.input<int>());
    }
    torc::sync();
    EXPECT_EQ(sum, 190);
  });
}

TEST(input, that_was_not_kept_or_is_of_another_type) {
  run([] {
    auto without = torc::submit(twice, 4);
    EXPECT_THROW(without.input<int>(), std::logic_error);
    auto with = torc::submit(torc::cyclic.keep_input(), twice, 4);
    EXPECT_THROW(with.input<long>(), std::logic_error);
    EXPECT_THROW((with.input<int, int>()), std::logic_error);
  });
}

TEST(input, dies_with_the_future) {
  run([] {
    auto f = torc::submit(
        torc::here.keep_input(), [](counted c) { return c.value; }, counted(3));
    EXPECT_EQ(f.get(), 3);
    EXPECT_EQ(f.input<counted>().value, 3);
    torc::sync();
    EXPECT_EQ(counted::alive, 1);
  });
  EXPECT_EQ(counted::alive, 0);
}

TEST(idle_spin, of_any_length) {
  for (const char* time : {"0", "1", "2000"}) {
    const environment e("TORC_IDLE_SPIN", time);
    for (int i = 0; i < 5; ++i) {
      run(3, [] {
        auto a = torc::spawn(twice, 1);
        EXPECT_EQ(torc::submit(other, twice, 2).get() + a.get(), 6);
      });
    }
  }
}

} // namespace
