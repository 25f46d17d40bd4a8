// SPDX-License-Identifier: MIT
#include <algorithm>
#include <chrono>
#include <functional>
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "session.hpp"

namespace {

using test::counted;
using test::run;
using test::spin_until;

struct special : std::runtime_error {
  special(int c, counted k)
      : std::runtime_error("special " + std::to_string(c)), code(c), kept(k) {}
  int code;
  counted kept;
};

} // namespace

// So that it keeps its type on the way from another rank.
template <>
struct torc::codec<special> {
  static void save(torc::writer& w, const special& s) { w.put(s.code); }
  static special load(torc::reader& r) {
    const int code = r.get<int>();
    return {code, counted(code)};
  }
};

namespace {

const torc::known_exception<special> special_is_known;

[[noreturn]] void fail(int code) { throw special(code, counted(code)); }
int fail_with_result(int code) { return code < 0 ? code : throw special(code, counted(code)); }
torc::task<int> cofail(int code) {
  fail(code);
  co_return 0;
}
int give(int x) { return x; }
torc::task<int> cogive(int x) { co_return x; }

/// The code of the `special` that f throws; -1 if it does not.
template <class F>
int thrown_by(F f) {
  try {
    f();
  } catch (const special& e) {
    return e.code;
  }
  return -1;
}

/// Runs f and gives what it writes to stderr.
template <class F>
std::string errors_of(F f) {
  testing::internal::CaptureStderr();
  f();
  return testing::internal::GetCapturedStderr();
}
std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(exception, keeps_its_type_and_members) {
  for (const int workers : {1, 2}) {
    run(workers, [] {
      auto a = torc::spawn(fail, 4);
      EXPECT_EQ(thrown_by([&] { a.get(); }), 4);
      auto b = torc::spawn(fail_with_result, 5);
      EXPECT_EQ(thrown_by([&] { b.get(); }), 5);
      auto c = torc::spawn(cofail, 6);
      EXPECT_EQ(thrown_by([&] { c.get(); }), 6);
      EXPECT_EQ(thrown_by([] { cofail(7).get(); }), 7);
      EXPECT_EQ(thrown_by([] { torc::wait(cofail(8)).get(); }), 8);
      EXPECT_EQ(thrown_by([] { torc::submit(fail, 9).get(); }), 9);
      EXPECT_EQ(thrown_by([] { torc::submit(cofail, 10).get(); }), 10);
    });
    EXPECT_EQ(counted::alive, 0);
  }
}

TEST(exception, need_not_derive_from_std_exception) {
  run([] {
    auto a = torc::spawn([] { throw 42; });
    EXPECT_THROW(a.get(), int);
    EXPECT_THROW(torc::submit([] { throw 42; }).get(), int);
  });
}

TEST(exception, of_a_stolen_child) {
  run([] {
    for (int i = 0; i < 100; ++i) {
      std::atomic<bool> started{false};
      auto a = torc::spawn([&started, i] {
        started = true;
        fail(i);
      });
      spin_until(started);
      EXPECT_EQ(thrown_by([&] { a.get(); }), i);
    }
  });
  EXPECT_EQ(counted::alive, 0);
}

long fib_failing(long n) {
  if (n < 2) {
    return fail_with_result(static_cast<int>(n));
  }
  auto a = torc::spawn(fib_failing, n - 1);
  const long b = fib_failing(n - 2);
  return a.get() + b;
}

TEST(exception, leaves_a_recursion) {
  for (const int workers : {1, 2, 4}) {
    static_cast<void>(errors_of([workers] {
      run(workers, [] {
        for (int i = 0; i < 100; ++i) {
          EXPECT_GE(thrown_by([] { fib_failing(10); }), 0);
        }
      });
    }));
    EXPECT_EQ(counted::alive, 0);
  }
}

TEST(exception, is_caught_where_it_is_waited_for_and_the_task_goes_on) {
  for (const int workers : {1, 2}) {
    run(workers, [] {
      auto parent = torc::spawn([] {
        auto a = torc::spawn(fail, 1);
        const int code = thrown_by([&] { a.get(); });
        auto b = torc::spawn(give, 10);
        return code + b.get();
      });
      EXPECT_EQ(parent.get(), 11);
    });
  }
}

TEST(exception, sync_throws_the_first_in_spawn_order) {
  run(3, [] {
    std::atomic<int> started{0};
    const auto body = [&started](int code) {
      ++started;
      spin_until(started, 2);
      fail(code);
    };
    std::string reported;
    int code = -1;
    reported = errors_of([&] {
      auto a = torc::spawn(body, 1);
      auto b = torc::spawn(body, 2);
      spin_until(started, 2);
      code = thrown_by([] { torc::sync(); });
    });
    EXPECT_EQ(code, 1);
    EXPECT_EQ(lines(reported), 1u) << reported;
    EXPECT_NE(reported.find("special 2"), std::string::npos) << reported;
  });
  EXPECT_EQ(counted::alive, 0);
}

TEST(exception, others_than_the_first_can_still_be_fetched) {
  run(3, [] {
    std::atomic<int> started{0};
    const auto body = [&started](int code) {
      ++started;
      spin_until(started, 2);
      fail(code);
    };
    const std::string reported = errors_of([&] {
      auto a = torc::spawn(body, 1);
      auto b = torc::spawn(body, 2);
      spin_until(started, 2);
      EXPECT_EQ(thrown_by([] { torc::sync(); }), 1);
      EXPECT_EQ(thrown_by([&] { b.get(); }), 2);
      EXPECT_EQ(thrown_by([&] { a.get(); }), 1);
    });
    EXPECT_EQ(reported, "");
  });
  EXPECT_EQ(counted::alive, 0);
}

TEST(exception, unstarted_siblings_are_skipped_by_sync) {
  run(1, [] {
    int ran = 0;
    auto a = torc::spawn([&ran] { ++ran; });
    auto b = torc::spawn(fail, 1); // the youngest is joined first
    EXPECT_EQ(thrown_by([] { torc::sync(); }), 1);
    EXPECT_EQ(ran, 0);
  });
}

TEST(exception, unstarted_siblings_are_skipped_by_wait) {
  run(1, []() -> torc::task<> {
    int ran = 0;
    const auto count = [&ran]() -> torc::task<int> { co_return ++ran; };
    int code = -1;
    try {
      co_await torc::wait(count(), cofail(1));
    } catch (const special& e) {
      code = e.code;
    }
    EXPECT_EQ(code, 1);
    EXPECT_EQ(ran, 0);
  });
}

TEST(exception, submitted_siblings_run_nevertheless) {
  run(1, [] {
    int ran = 0;
    auto a = torc::submit(torc::here, [&ran] { ++ran; });
    auto b = torc::submit(fail, 1);
    auto c = torc::submit(torc::here, [&ran] { ++ran; });
    EXPECT_EQ(thrown_by([] { torc::sync(); }), 1);
    EXPECT_EQ(ran, 2);
  });
}

TEST(exception, a_skipped_child_runs_when_it_is_asked_for) {
  run(1, [] {
    auto a = torc::spawn(give, 5);
    auto b = torc::spawn(fail, 1);
    EXPECT_EQ(thrown_by([&] { b.get(); }), 1);
    EXPECT_EQ(a.get(), 5);
  });
}

TEST(exception, awaited_tasks_that_another_child_has_made_skipped_run_after_all) {
  run(2, []() -> torc::task<> {
    std::atomic<bool> begun{false};
    auto other = torc::spawn([&begun] {
      begun = true;
      fail(1);
    });
    const auto last = [&begun]() -> torc::task<int> {
      test::spin_until(begun); // a thief has it
      for (int i = 0; i < 1000; ++i) {
        std::this_thread::yield();
      }
      co_return 3;
    };
    const auto [a, b, c] = co_await torc::wait(cogive(1), cogive(2), last());
    EXPECT_EQ(a, 1);
    EXPECT_EQ(b, 2);
    EXPECT_EQ(c, 3);
    EXPECT_EQ(thrown_by([&] { other.get(); }), 1);
  });
}

void fail_in_sync() {
  auto b = torc::spawn(fail, 1);
  EXPECT_EQ(thrown_by([] { torc::sync(); }), 1); // the caller's children are joined as well
}

TEST(exception, a_child_that_a_function_below_has_skipped_runs_when_it_is_asked_for) {
  run(1, [] {
    int ran = 0;
    const auto count = [&ran] { return ++ran; };
    const auto join_each = [&](auto join) {
      ran = 0;
      auto a = torc::spawn(count);
      fail_in_sync();
      EXPECT_EQ(ran, 0);
      EXPECT_EQ(join(a), 1);
      EXPECT_EQ(ran, 1);
    };
    join_each([](auto& a) { return a.get(); });
    join_each([](torc::child<int>& a) { return a.get(); });
    join_each([](auto& a) { return torc::wait(a).get(); });
    join_each([](auto& a) { return std::get<0>(torc::wait_all(a).get()).value(); });
    {
      auto a = torc::spawn(count);
      fail_in_sync();
    } // nobody asks
    EXPECT_EQ(ran, 1);
    auto a = torc::spawn(fail_with_result, 2);
    fail_in_sync();
    EXPECT_EQ(thrown_by([&] { torc::wait(a).get(); }), 2);
  });
}

TEST(exception, a_failure_that_was_caught_does_not_skip_later_children) {
  for (const int workers : {1, 2, 4}) {
    run(workers, [] {
      for (int i = 0; i < 100; ++i) {
        auto a = torc::spawn(fail, 1);
        EXPECT_EQ(thrown_by([&] { a.get(); }), 1);
        auto b = torc::spawn(give, 1);
        auto c = torc::spawn(give, 2);
        torc::sync();
        EXPECT_EQ(b.get() + c.get(), 3);
      }
    });
  }
}

TEST(scope_end, throws_what_nobody_asked_for) {
  for (const int workers : {1, 2}) {
    run(workers, [] {
      EXPECT_EQ(thrown_by([] { auto a = torc::spawn(fail, 3); }), 3);
      EXPECT_EQ(thrown_by([] { auto a = torc::spawn(fail_with_result, 4); }), 4);
    });
    EXPECT_EQ(counted::alive, 0);
  }
}

// Three that run at the same time, and fail in either order.
TEST(scope_end, throws_the_youngest_failure_and_reports_the_others) {
  for (const int step : {-1, 1}) {
    run(4, [step] {
      std::atomic<int> started{0};
      std::atomic<int> turn{step > 0 ? 1 : 3};
      const auto body = [&](int code) {
        ++started;
        spin_until(started, 3); // or the first failure would have the others skipped
        while (turn != code)
          std::this_thread::yield();
        turn = code + step;
        fail(code);
      };
      int code = -1;
      const std::string reported = errors_of([&] {
        code = thrown_by([&] {
          auto a = torc::spawn(body, 1);
          auto b = torc::spawn(body, 2);
          auto c = torc::spawn(body, 3);
          spin_until(started, 3);
        });
      });
      EXPECT_EQ(code, 3);
      EXPECT_EQ(lines(reported), 2u) << reported;
      EXPECT_NE(reported.find("special 1"), std::string::npos) << reported;
      EXPECT_NE(reported.find("special 2"), std::string::npos) << reported;
    });
    EXPECT_EQ(counted::alive, 0);
  }
}

// A function that is called is no task of its own: what fails in its scope is not to touch the
// children of its caller.
TEST(scope_end, leaves_the_callers_children_alone) {
  run(1, []() -> torc::task<> {
    auto a = torc::spawn(give, 5);
    EXPECT_EQ(thrown_by([] { auto b = torc::spawn(fail, 1); }), 1);
    const int five = co_await torc::wait(a);
    EXPECT_EQ(five, 5);
  });
}

TEST(scope_end, skips_unstarted_children_after_a_failure) {
  run(1, [] {
    int ran = 0;
    EXPECT_EQ(thrown_by([&ran] {
                auto a = torc::spawn([&ran] { ++ran; });
                auto b = torc::spawn([&ran] { fail(ran + 1); });
              }),
              1);
    EXPECT_EQ(ran, 0);
  });
}

TEST(scope_end, throws_nothing_again) {
  run([] {
    const std::string reported = errors_of([] {
      auto a = torc::spawn(fail, 3);
      EXPECT_EQ(thrown_by([&] { a.get(); }), 3);
      auto b = torc::spawn(fail, 4);
      EXPECT_EQ(thrown_by([] { torc::sync(); }), 4);
    });
    EXPECT_EQ(reported, "");
  });
}

TEST(scope_end, joins_while_an_exception_passes) {
  run([] {
    std::atomic<bool> started{false};
    std::atomic<bool> ended{false};
    const int code = thrown_by([&] {
      auto a = torc::spawn([&] {
        started = true;
        std::this_thread::yield();
        ended = true;
      });
      spin_until(started);
      fail(2);
    });
    EXPECT_EQ(code, 2);
    EXPECT_TRUE(ended);
  });
}

TEST(scope_end, skips_unstarted_children_while_an_exception_passes) {
  run(1, [] {
    int ran = 0;
    EXPECT_EQ(thrown_by([&ran] {
                auto a = torc::spawn([&ran] { ++ran; });
                auto b = torc::spawn([&ran] { ++ran; });
                fail(2);
              }),
              2);
    EXPECT_EQ(ran, 0);
  });
}

/// After a failure has been told, children start again: none is skipped without a word.
void expect_that_children_run(const char* after) {
  std::atomic<int> ran{0};
  auto a = torc::spawn([&ran] { ++ran; });
  auto b = torc::spawn([&ran] { ++ran; });
  torc::sync();
  EXPECT_EQ(ran, 2) << "after " << after;
}

/// Fails, most probably, before its parent goes on.
struct stolen_failure {
  std::atomic<bool> started{false};
  auto spawn() {
    return torc::spawn([this] {
      started = true;
      fail(1);
    });
  }
  void await() {
    spin_until(started);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
};

TEST(exception, that_has_been_told_has_no_later_child_skipped) {
  errors_of([] {
    run([]() -> torc::task<> {
      const std::vector<int> codes{1, 2, 3};
      for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(thrown_by([] {
                    stolen_failure f;
                    auto a = f.spawn();
                    f.await();
                    a.get();
                  }),
                  1);
        expect_that_children_run("get");
        EXPECT_EQ(thrown_by([] {
                    stolen_failure f;
                    auto a = f.spawn();
                    f.await();
                    torc::sync();
                  }),
                  1);
        expect_that_children_run("sync");
        EXPECT_EQ(thrown_by([] {
                    stolen_failure f;
                    auto a = f.spawn();
                    f.await();
                  }),
                  1);
        expect_that_children_run("the end of a scope");
        EXPECT_EQ(thrown_by([] {
                    stolen_failure f;
                    auto a = f.spawn();
                    f.await();
                    fail(2); // the other is but reported
                  }),
                  2);
        expect_that_children_run("an exception that passes");
        {
          stolen_failure f;
          auto a = f.spawn();
          f.await();
          static_cast<void>(torc::wait_all(a).get());
        }
        expect_that_children_run("wait_all of a child");
        EXPECT_NE(thrown_by([] { torc::wait(cofail(1), cofail(2), cofail(3)).get(); }), -1);
        expect_that_children_run("wait");
        static_cast<void>(co_await torc::wait_all(cofail(1), cofail(2), cofail(3)));
        expect_that_children_run("wait_all");
        EXPECT_NE(thrown_by([&] { torc::map(fail_with_result, codes, torc::chunk{1}).get(); }), -1);
        expect_that_children_run("map");
        EXPECT_NE(thrown_by([&] { torc::for_each(fail, codes, torc::chunk{1}).get(); }), -1);
        expect_that_children_run("for_each");
        EXPECT_EQ(thrown_by([] { torc::submit(fail, 1).get(); }), 1);
        expect_that_children_run("submit");
        EXPECT_EQ(thrown_by([] {
                    auto submitted = torc::submit(fail, 1);
                    auto task = cofail(2);
                    torc::wait(submitted, task).get();
                  }),
                  1);
        expect_that_children_run("wait for a future and a task");
        {
          stolen_failure f;
          auto a = f.spawn();
          auto submitted = torc::submit(fail, 2);
          f.await();
          EXPECT_EQ(thrown_by([&] { torc::wait(submitted, a).get(); }), 2);
          expect_that_children_run("wait for a future and a child");
        }
        EXPECT_EQ(thrown_by([] {
                    torc::group g;
                    stolen_failure f;
                    auto a = f.spawn();
                    f.await();
                    g.wait().get();
                  }),
                  1);
        expect_that_children_run("a group");
      }
    });
  });
  EXPECT_EQ(counted::alive, 0);
}

TEST(exception, of_a_child_that_nobody_has_joined_yet_spoils_nothing_else) {
  for (const int workers : {2, 3}) {
    run(workers, [] {
      for (int i = 0; i < 20; ++i) {
        stolen_failure f;
        auto a = f.spawn();
        if (i % 2 == 0) {
          f.await();
        } else {
          spin_until(f.started);
        }
        std::vector<int> xs(100, 1);
        EXPECT_EQ(torc::map(give, xs).get(), xs);
        EXPECT_EQ(torc::map(give, xs, torc::chunk{1}).get(), xs);
        EXPECT_EQ(torc::map(cogive, xs, torc::chunk{1}).get(), xs);
        EXPECT_EQ(torc::reduce(give, xs, 0, std::plus<>(), torc::chunk{1}).get(), 100);
        std::atomic<int> ran{0};
        torc::for_each([&ran](int x) { ran += x; }, xs, torc::chunk{1}).get();
        EXPECT_EQ(ran, 100);
        EXPECT_EQ(torc::wait(cogive(1), cogive(2), cogive(3)).get(), std::tuple(1, 2, 3));
        auto b = torc::spawn(give, 4);
        {
          auto c = torc::spawn([&ran] { ran = 0; });
        }
        EXPECT_EQ(ran, 0);
        EXPECT_EQ(b.get(), 4);
        EXPECT_EQ(torc::submit(give, 5).get(), 5);
        EXPECT_EQ(thrown_by([&a] { a.get(); }), 1);
      }
    });
  }
  EXPECT_EQ(counted::alive, 0);
}

TEST(scope_end, reports_a_second_exception) {
  run([] {
    int code = -1;
    const std::string reported = errors_of([&code] {
      code = thrown_by([] {
        std::atomic<bool> started{false};
        auto a = torc::spawn([&started] {
          started = true;
          fail(7);
        });
        spin_until(started);
        fail(2);
      });
    });
    EXPECT_EQ(code, 2);
    EXPECT_EQ(lines(reported), 1u) << reported;
    EXPECT_NE(reported.find("special 7"), std::string::npos) << reported;
  });
}

TEST(scope_end, inside_a_catch_block) {
  for (const int workers : {1, 2}) {
    run(workers, [] {
      for (int i = 0; i < 100; ++i) {
        try {
          fail(i);
        } catch (const special& outer) {
          // Switches of fibers inside a catch block must not mix up what is being handled.
          EXPECT_EQ(thrown_by([i] { torc::submit(fail, 1000 + i).get(); }), 1000 + i);
          auto a = torc::spawn(fail, 2000 + i);
          EXPECT_EQ(thrown_by([&] { a.get(); }), 2000 + i);
          EXPECT_EQ(outer.code, i);
          EXPECT_EQ(thrown_by([] { throw; }), i);
        }
      }
    });
    EXPECT_EQ(counted::alive, 0);
  }
}

TEST(scope_end, destructors_wait_during_unwinding) {
  struct waits {
    ~waits() {
      auto a = torc::spawn(give, 1);
      EXPECT_EQ(a.get(), 1);
      EXPECT_EQ(torc::submit(give, 2).get(), 2);
      EXPECT_EQ(std::uncaught_exceptions(), 1);
    }
  };
  run([] {
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ(thrown_by([i] {
                  const waits w;
                  fail(i);
                }),
                i);
      EXPECT_EQ(std::uncaught_exceptions(), 0);
    }
  });
}

TEST(scope_end, a_task_that_runs_during_unwinding_throws_as_usual) {
  struct catches {
    ~catches() {
      EXPECT_EQ(thrown_by([] { torc::submit(fail, 5).get(); }), 5);
      EXPECT_EQ(thrown_by([] {
                  auto a = torc::spawn(fail, 6);
                  a.get();
                }),
                6);
    }
  };
  run([] {
    EXPECT_EQ(thrown_by([] {
                const catches c;
                fail(1);
              }),
              1);
  });
}

TEST(submitted, an_exception_nobody_asked_for_is_thrown_at_the_end_of_the_parent) {
  for (const int workers : {1, 2}) {
    run(workers, [] {
      const auto submits = [] {
        static_cast<void>(torc::submit(give, 1));
        static_cast<void>(torc::submit(fail, 3));
        static_cast<void>(torc::submit(give, 2));
        return 5;
      };
      auto child = torc::spawn(submits);
      EXPECT_EQ(thrown_by([&] { child.get(); }), 3);
      EXPECT_EQ(thrown_by([&] { torc::submit(submits).get(); }), 3);
      const auto cosubmits = [](auto f) -> torc::task<int> { co_return f(); };
      EXPECT_EQ(thrown_by([&] { cosubmits(submits).get(); }), 3);
      EXPECT_EQ(thrown_by([&] { torc::wait(cosubmits(submits), cogive(1)).get(); }), 3);
    });
    EXPECT_EQ(counted::alive, 0);
  }
}

TEST(submitted, the_end_of_an_awaited_coroutine_throws_it) {
  for (const int workers : {1, 2}) {
    run(workers, []() -> torc::task<> {
      const auto submits = []() -> torc::task<int> {
        static_cast<void>(torc::submit(fail, 3));
        co_return 5;
      };
      int code = -1;
      try {
        co_await submits();
      } catch (const special& e) {
        code = e.code;
      }
      EXPECT_EQ(code, 3);
      code = -1;
      try {
        co_await torc::wait(cogive(1), submits(), cogive(2));
      } catch (const special& e) {
        code = e.code;
      }
      EXPECT_EQ(code, 3);
    });
    EXPECT_EQ(counted::alive, 0);
  }
}

TEST(submitted, an_exception_somebody_asked_for_is_not_thrown_again) {
  run([] {
    auto child = torc::spawn([] {
      auto f = torc::submit(fail, 3);
      auto g = torc::submit(fail, 4);
      EXPECT_EQ(thrown_by([&] { f.get(); }), 3);
      g.wait();
      EXPECT_NE(g.exception(), nullptr);
      return 5;
    });
    EXPECT_EQ(child.get(), 5);
  });
}

TEST(submitted, the_first_in_order_of_submission_is_thrown_and_others_are_reported) {
  int code = -1;
  const std::string reported = errors_of([&code] {
    run([&code] {
      static_cast<void>(torc::submit(fail, 1));
      static_cast<void>(torc::submit(fail, 2));
      static_cast<void>(torc::submit(fail, 3));
      code = thrown_by([] { torc::sync(); });
    });
  });
  EXPECT_EQ(code, 1);
  EXPECT_EQ(lines(reported), 2u) << reported;
  EXPECT_NE(reported.find("special 2"), std::string::npos) << reported;
  EXPECT_NE(reported.find("special 3"), std::string::npos) << reported;
  EXPECT_EQ(counted::alive, 0);
}

TEST(submitted, of_the_primary_task_reaches_the_caller_of_start) {
  EXPECT_EQ(thrown_by([] { torc::start([] { static_cast<void>(torc::submit(fail, 9)); }); }), 9);
  EXPECT_EQ(counted::alive, 0);
}

TEST(submitted, the_parents_own_exception_goes_first) {
  run([] {
    int code = -1;
    const std::string reported = errors_of([&code] {
      auto child = torc::spawn([] {
        static_cast<void>(torc::submit(fail, 1));
        fail(2);
      });
      code = thrown_by([&] { child.get(); });
    });
    EXPECT_EQ(code, 2);
    EXPECT_EQ(lines(reported), 1u) << reported;
    EXPECT_NE(reported.find("special 1"), std::string::npos) << reported;
  });
}

TEST(submitted, of_an_external_thread_is_reported_if_nobody_asks) {
  const std::string reported = errors_of([] {
    torc::init();
    std::thread([] { static_cast<void>(torc::submit(fail, 8)); }).join();
    torc::shutdown();
  });
  EXPECT_EQ(lines(reported), 1u) << reported;
  EXPECT_NE(reported.find("special 8"), std::string::npos) << reported;
}

TEST(submitted, of_a_caller_of_launch_null_is_reported_if_nobody_asks) {
  std::string reported;
  int code = -1;
  reported = errors_of([&code] {
    torc::init();
    torc::launch(nullptr);
    static_cast<void>(torc::submit(fail, 8));
    code = thrown_by([] { torc::shutdown(); });
    torc::shutdown();
  });
  EXPECT_TRUE(code == 8 || reported.find("special 8") != std::string::npos) << reported;
}

TEST(submitted, without_a_runtime_is_reported_if_nobody_asks) {
  const std::string reported = errors_of([] { static_cast<void>(torc::submit(fail, 8)); });
  EXPECT_NE(reported.find("special 8"), std::string::npos) << reported;
  EXPECT_EQ(thrown_by([] { torc::submit(fail, 7).get(); }), 7);
}

TEST(destruction, results_of_siblings_of_a_failed_child_die) {
  for (const int workers : {1, 2, 4}) {
    run(workers, []() -> torc::task<> {
      const auto value = [](int x) -> torc::task<counted> { co_return counted(x); };
      const auto failure = []() -> torc::task<counted> {
        fail(1);
        co_return counted(0);
      };
      for (int i = 0; i < 100; ++i) {
        int code = -1;
        try {
          co_await torc::wait(failure(), value(1), value(2));
        } catch (const special& e) {
          code = e.code;
        }
        EXPECT_EQ(code, 1);
      }
    });
    EXPECT_EQ(counted::alive, 0);
  }
}

TEST(destruction, a_throwing_copy_of_an_argument_spawns_nothing) {
  struct throws_on_copy {
    throws_on_copy() = default;
    throws_on_copy(const throws_on_copy&) { throw std::out_of_range("copy"); }
  };
  run([] {
    const throws_on_copy x;
    EXPECT_THROW(auto a = torc::spawn([](const throws_on_copy&) {}, x), std::out_of_range);
    EXPECT_THROW(static_cast<void>(torc::submit(
                     torc::here, [](const throws_on_copy&) {}, x)),
                 std::out_of_range);
    auto b = torc::spawn(give, 1);
    EXPECT_EQ(b.get(), 1);
  });
}

TEST(destruction, a_throwing_move_of_a_result) {
  struct throws_on_move {
    throws_on_move() = default;
    throws_on_move(throws_on_move&&) { throw std::out_of_range("move"); }
  };
  const auto make = []() -> torc::task<throws_on_move> { co_return throws_on_move(); };
  run([&] {
    EXPECT_THROW(make().get(), std::out_of_range);
    auto a = torc::spawn(give, 1);
    EXPECT_EQ(a.get(), 1);
  });
}

} // namespace
