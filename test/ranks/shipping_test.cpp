// SPDX-License-Identifier: MIT
// What travels between ranks arrives as it was: callables, arguments, results, exceptions.

#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <numeric>
#include <string>
#include <thread>

#include "../session.hpp"
#include "programs.hpp"
#include "world.hpp"

namespace {

/// An error whose type all ranks know.
struct known_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
const torc::known_exception<known_error> known_error_is_known;
/// ... and one that they do not.
struct private_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Refuses to be saved or loaded on demand; as large as one likes.
struct picky {
  int save_fails = 0, load_fails = 0;
  std::vector<int> bulk;
};

} // namespace

template <>
struct torc::codec<picky> {
  static constexpr bool blocks = true;
  static void save(torc::writer& w, const picky& x) {
    w.put(x.load_fails);
    codec<std::vector<int>>::save(w, x.bulk);
    if (x.save_fails != 0) throw known_error("save");
  }
  static picky load(torc::reader& r) {
    picky x;
    x.load_fails = r.get<int>();
    x.bulk = codec<std::vector<int>>::load(r);
    if (x.load_fails != 0) throw known_error("load");
    return x;
  }
};

namespace {

using test::ranks;
using test::run_world;

const torc::placement other = torc::on_rank(1).pinned();

struct adder {
  int n = 0;
  int operator()(int x) const { return x + n; }
};
int plus_one(int x) noexcept { return x + 1; }
struct with_static {
  static int twice(int x) { return 2 * x; }
};
template <class T>
T identity(T x) {
  return x;
}

TEST(shipping, callables) {
  run_world(ranks(2), [] {
    EXPECT_EQ(torc::submit(other, plus_one, 1).get(), 2);
    EXPECT_EQ(torc::submit(other, with_static::twice, 4).get(), 8);
    EXPECT_EQ(torc::submit(other, &identity<long>, 5L).get(), 5);
    EXPECT_EQ(torc::submit(
                  other, [](int x) { return x * x; }, 5)
                  .get(),
              25);
    EXPECT_EQ(torc::submit(other, [] { return torc::rank(); }).get(), 1);
    EXPECT_EQ(torc::submit(other, torc::bind([](int a, int b) { return a - b; }, 9), 2).get(), 7);
    EXPECT_EQ(torc::submit(other, adder{3}, 4).get(), 7);
    EXPECT_EQ(torc::submit(other, test::fib_coroutine, 12).get(), 144);
    EXPECT_EQ(torc::submit(other, test::fib, 12).get(), 144);
    torc::submit(other, [] {}).get();
  });
}

TEST(shipping, values) {
  run_world(ranks(2), [] {
    const std::map<std::string, std::vector<double>> m{{"a", {1, 2}}, {"b", {}}};
    const auto give_back = [](std::map<std::string, std::vector<double>> x) { return x; };
    EXPECT_EQ(torc::submit(other, give_back, m).get(), m);
    auto p = torc::submit(other, identity<std::unique_ptr<int>>, std::make_unique<int>(6));
    EXPECT_EQ(*std::move(p).get(), 6);
    const auto nothing =
        torc::submit(other, identity<std::unique_ptr<int>>, std::unique_ptr<int>());
    EXPECT_NO_THROW(nothing.wait());
  });
}

std::vector<int> numbers(std::size_t n) {
  std::vector<int> v(n);
  std::iota(v.begin(), v.end(), 0);
  return v;
}
std::vector<int> one_more(std::vector<int> v) {
  for (int& x : v) {
    ++x;
  }
  return v;
}

class of_size : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(shipping, of_size,
                         testing::Values(0, 1, 4095, 4096, 4097, 100'000, 2'000'000));

TEST_P(of_size, vectors) {
  test::world w = ranks(3);
  w.most_delay = 3;
  run_world(w, [n = GetParam()] {
    std::vector<torc::future<std::vector<int>>> futures;
    for (int i = 0; i < 6; ++i) {
      futures.push_back(torc::submit(torc::on_rank(i % 3), one_more, numbers(n)));
    }
    std::vector<int> expected = one_more(numbers(n));
    for (auto& f : futures) {
      EXPECT_EQ(f.get(), expected);
    }
  });
}

std::atomic<bool> go{false};
std::vector<int> large_result(std::size_t n) { return numbers(n); }

TEST_P(of_size, results_of_tasks_that_are_stolen_back) {
  run_world(ranks(2), [n = GetParam()] {
    go = false;
    // Rank 1 is busy, so the task sent there comes back to us, who are idle, and so does its
    // result.
    auto busy = torc::submit(other, [] { test::spin_until(go); });
    auto stolen_back = torc::submit(torc::on_rank(1), large_result, n);
    EXPECT_EQ(stolen_back.get(), numbers(n));
    go = true;
    busy.get();
  });
}

TEST_P(of_size, arguments_of_tasks_that_are_stolen_onwards) {
  run_world(ranks(3), [n = GetParam()] {
    go = false;
    auto busy = torc::submit(other, [] { test::spin_until(go); });
    auto stolen = torc::submit(torc::on_rank(1), one_more, numbers(n));
    EXPECT_EQ(stolen.get(), one_more(numbers(n)));
    go = true;
    busy.get();
  });
}

// Exceptions.

template <class E>
void thrower(std::string text) {
  throw E(text);
}
void throw_number() { throw 42; }
void throw_nested() {
  try {
    throw std::out_of_range("inner");
  } catch (...) {
    std::throw_with_nested(known_error("outer"));
  }
}

/// Whether `f` throws an E with that text.
template <class E, class F>
testing::AssertionResult throws(const char* text, F f) {
  try {
    f();
  } catch (const E& e) {
    return std::string(e.what()) == text ? testing::AssertionSuccess()
                                         : testing::AssertionFailure() << e.what();
  }
  return testing::AssertionFailure() << "nothing is thrown";
}

/// Whether a task sent to rank 1 throws an E, and that tells it has been thrown there.
template <class E>
[[gnu::noinline]] testing::AssertionResult thrown_there() {
  try {
    torc::submit(other, thrower<E>, std::string("text")).get();
  } catch (const E& e) {
    const torc::origin* const from = torc::origin_of(e);
    if (from == nullptr) {
      return testing::AssertionFailure() << "it has no origin";
    }
    const std::string place = from->submitted_in();
    return std::string(e.what()) == "text" && from->rank() == 1 && from->host() == "host0" &&
                   place.find("thrown_there") != std::string::npos
               ? testing::AssertionSuccess()
               : testing::AssertionFailure() << e.what() << ", rank " << from->rank() << " on "
                                             << from->host() << ", " << place;
  }
  return testing::AssertionFailure() << "nothing is thrown";
}

[[noreturn]] void forward(std::string text) {
  torc::submit(torc::on_rank(2).pinned(), thrower<known_error>, text).get();
  std::abort();
}

TEST(shipping, exceptions_keep_their_type) {
  run_world(ranks(2), [] {
    EXPECT_TRUE(thrown_there<std::out_of_range>());
    EXPECT_TRUE(thrown_there<std::logic_error>());
    EXPECT_TRUE(thrown_there<known_error>());
    try {
      torc::submit(other, thrower<private_error>, std::string("text")).get();
      FAIL();
    } catch (const torc::remote_error& e) {
      EXPECT_STREQ(e.what(), "text");
      EXPECT_EQ(e.rank(), 1);
      EXPECT_EQ(e.host(), "host0");
      EXPECT_NE(e.submitted_in().find("exceptions_keep_their_type"), std::string::npos);
      EXPECT_NE(e.type_name().find("private_error"), std::string::npos);
    }
    EXPECT_THROW(torc::submit(other, throw_number).get(), torc::remote_error);
    try {
      torc::submit(other, throw_nested).get();
      FAIL();
    } catch (const known_error& e) {
      EXPECT_THROW(std::rethrow_if_nested(e), std::out_of_range);
    }
  });
}

TEST(shipping, exceptions_that_pass_a_rank_tell_where_they_were_thrown) {
  run_world(ranks(3), [] {
    try {
      torc::submit(other, forward, std::string("text")).get();
      FAIL();
    } catch (const known_error& e) {
      ASSERT_NE(torc::origin_of(e), nullptr);
      EXPECT_EQ(torc::origin_of(e)->rank(), 2);
      EXPECT_NE(torc::origin_of(e)->submitted_in().find("forward"), std::string::npos);
    }
    try {
      torc::submit(torc::here, thrower<known_error>, std::string("x")).get();
      FAIL();
    } catch (const known_error& e) {
      EXPECT_EQ(torc::origin_of(e), nullptr);
    }
  });
}

TEST(shipping, the_line_of_an_exception_that_reached_nobody_tells_where_it_was_thrown) {
  testing::internal::CaptureStderr();
  run_world(ranks(2), [] {
    static_cast<void>(torc::submit(other.detached(), thrower<known_error>, std::string("text")));
  });
  const std::string line = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(
      line.starts_with("torc: rank 0 on host0: an exception of a child task reached nobody: "))
      << line;
  EXPECT_NE(line.find("known_error: text, thrown on rank 1 on host0, submitted in "),
            std::string::npos)
      << line;
}

TEST(shipping, exceptions_reach_the_parent_that_did_not_ask) {
  run_world(ranks(2), [] {
    const auto parent = [] {
      static_cast<void>(torc::submit(other, thrower<known_error>, std::string("x")));
    };
    EXPECT_THROW(torc::submit(torc::here, parent).get(), known_error);
    static_cast<void>(torc::submit(other, thrower<known_error>, std::string("y")));
    EXPECT_THROW(torc::sync(), known_error);
  });
}

std::atomic<int> waiting{0};
void meet_and_throw() {
  ++waiting;
  test::spin_until(waiting, 2);
  throw known_error("stolen");
}

TEST(shipping, exceptions_of_stolen_children) {
  run_world(ranks(2), [] {
    waiting = 0;
    auto child = torc::spawn(meet_and_throw);
    ++waiting;
    test::spin_until(waiting, 2);
    EXPECT_THROW(child.get(), known_error);
  });
}

class picky_of_size : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(shipping, picky_of_size, testing::Values(0, 10, 100'000));

picky make_picky(int save_fails, int load_fails, std::size_t n) {
  return {save_fails, load_fails, numbers(n)};
}
std::size_t size_of(picky p) { return p.bulk.size(); }

TEST_P(picky_of_size, fails_alone) {
  const std::size_t n = GetParam();
  run_world(ranks(2), [n] {
    for (int i = 0; i < 3; ++i) {
      auto argument_not_saved = torc::submit(other, size_of, make_picky(1, 0, n));
      auto argument_not_loaded = torc::submit(other, size_of, make_picky(0, 1, n));
      auto result_not_saved = torc::submit(other, make_picky, 1, 0, n);
      auto result_not_loaded = torc::submit(other, make_picky, 0, 1, n);
      auto good = torc::submit(other, size_of, make_picky(0, 0, n));
      auto good_too = torc::submit(other, make_picky, 0, 0, n);
      EXPECT_TRUE(throws<known_error>("save", [&] { argument_not_saved.get(); }));
      EXPECT_TRUE(throws<known_error>("load", [&] { argument_not_loaded.get(); }));
      EXPECT_TRUE(throws<known_error>("save", [&] { result_not_saved.get(); }));
      EXPECT_TRUE(throws<known_error>("load", [&] { result_not_loaded.get(); }));
      EXPECT_EQ(good.get(), n);
      EXPECT_EQ(good_too.get().bulk, numbers(n));
    }
    EXPECT_TRUE(
        throws<known_error>("save", [&] { torc::spmd(size_of, make_picky(1, 0, n)).get(); }));
    EXPECT_TRUE(
        throws<known_error>("load", [&] { torc::spmd(size_of, make_picky(0, 1, n)).get(); }));
  });
}

picky not_loaded_elsewhere(int) {
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return make_picky(0, torc::rank() != 0 ? 1 : 0, 10);
}

TEST(shipping, results_of_a_loop_that_are_not_loaded) {
  run_world(ranks(2), [] {
    const std::vector<int> is(64);
    for (const std::size_t size : {1, 4}) {
      EXPECT_TRUE(throws<known_error>("load", [&] {
        static_cast<void>(torc::map(not_loaded_elsewhere, is, torc::chunk{size}).get());
      }));
    }
  });
}

TEST(shipping, strings_of_all_sizes) {
  run_world(ranks(3), [] {
    std::vector<torc::future<std::string>> futures;
    for (int i = 0; i < 500; ++i) {
      futures.push_back(torc::submit(torc::on_rank(i % 3), identity<std::string>,
                                     std::string(static_cast<std::size_t>(i * 100), 'x')));
    }
    for (std::size_t i = 0; i < futures.size(); ++i) {
      EXPECT_EQ(futures[i].get().size(), i * 100);
    }
  });
}

} // namespace
