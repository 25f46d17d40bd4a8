// SPDX-License-Identifier: MIT
// Programs under mpirun, through the public interface. The first argument says which.

#include <algorithm>
#include <atomic>
#include <boost/mpi/collectives.hpp>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <sched.h>
#include <set>
#include <stdexcept>
#include <string>
#include <torc/mpi.hpp>
#include <torc/torc.hpp>
#include <vector>

#include "../ranks/programs.hpp"

namespace {

void expect(bool right, const char* what) {
  if (!right) {
    std::fprintf(stderr, "rank %d: wrong: %s\n", torc::rank(), what);
    std::_Exit(1);
  }
}

struct known_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
const torc::known_exception<known_error> known_error_is_known;
struct private_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

int rank_of_this() { return torc::rank(); }
int worker_of_this() { return torc::worker(); }
std::vector<int> one_more(std::vector<int> v) {
  for (int& x : v) {
    ++x;
  }
  return v;
}
std::vector<int> numbers(int n) {
  std::vector<int> v(static_cast<std::size_t>(n));
  std::iota(v.begin(), v.end(), 0);
  return v;
}
template <class E>
void thrower() {
  throw E("text");
}

/// Whether `f` throws an E with that text, on that rank.
template <class E, class F>
bool throws(const std::string& text, int rank, F f) {
  try {
    f();
  } catch (const E& e) {
    const torc::origin* const from = torc::origin_of(e);
    return e.what() == text && (from != nullptr ? from->rank() : torc::rank()) == rank;
  }
  return false;
}

void places() {
  for (int r = 0; r < torc::num_ranks(); ++r) {
    expect(torc::submit(torc::on_rank(r).pinned(), rank_of_this).get() == r, "on_rank");
  }
  for (int q = 0; q < torc::num_workers(); ++q) {
    expect(torc::submit(torc::on_worker(q).pinned(), worker_of_this).get() == q, "on_worker");
  }
  for (int i = 0; i < 200; ++i) {
    expect(torc::submit(torc::here, rank_of_this).get() == 0, "here");
  }
  try {
    static_cast<void>(torc::submit(torc::on_rank(torc::num_ranks()), rank_of_this));
    expect(false, "out_of_range");
  } catch (const std::out_of_range&) {
  }
}

void values() {
  for (const int n : {0, 10, 5'000, 1'000'000}) {
    std::vector<torc::future<std::vector<int>>> futures;
    for (int i = 0; i < 2 * torc::num_ranks(); ++i) {
      futures.push_back(torc::submit(torc::on_rank(i % torc::num_ranks()), one_more, numbers(n)));
    }
    for (auto& f : futures) {
      expect(f.get() == one_more(numbers(n)), "a vector");
    }
  }
}

void exceptions() {
  const int last = torc::num_ranks() - 1;
  const auto get = [&](auto f) {
    return [=] { torc::submit(torc::on_rank(last).pinned(), f).get(); };
  };
  expect(throws<std::out_of_range>("text", last, get(thrower<std::out_of_range>)), "out_of_range");
  expect(throws<known_error>("text", last, get(thrower<known_error>)), "known_error");
  if (last > 0) {
    expect(throws<torc::remote_error>("text", last, get(thrower<private_error>)), "remote_error");
  }
}

void ask_all(int root_value) {
  const auto world = torc::communicator();
  expect(world.rank() == torc::rank() && world.size() == torc::num_ranks(), "communicator");
  int value = torc::rank() == 0 ? root_value : -1;
  boost::mpi::broadcast(world, value, 0);
  expect(value == root_value, "broadcast");
  const int sum = boost::mpi::all_reduce(world, torc::rank(), std::plus<>());
  expect(sum == torc::num_ranks() * (torc::num_ranks() - 1) / 2, "all_reduce");
}
void fail_on(int rank) {
  if (torc::rank() == rank) throw known_error("spmd");
}

void together() {
  for (int i = 0; i < 20; ++i) {
    auto work = torc::spawn(test::fib, 15);
    torc::spmd(ask_all, i).get();
    expect(work.get() == 610, "fib during spmd");
  }
  for (int r = 0; r < torc::num_ranks(); ++r) {
    expect(throws<known_error>("spmd", r, [=] { torc::spmd(fail_on, r).get(); }),
           "spmd that throws");
  }
  const auto call = [] { torc::spmd(ask_all, 7).get(); };
  torc::submit(torc::on_rank(torc::num_ranks() - 1), call).get();
}

int look_up(torc::broadcasted<std::vector<int>> table, int i) {
  return table->at(static_cast<std::size_t>(i));
}
std::vector<int> first_four_workers() {
  std::vector<int> workers;
  for (int i = 0; i < 4; ++i) {
    workers.push_back(torc::submit(torc::cyclic.pinned(), worker_of_this).get());
  }
  return workers;
}

void options() {
  for (int r = 0; r < torc::num_ranks(); ++r) {
    const auto four = torc::submit(torc::on_rank(r).pinned(), first_four_workers).get();
    if (r > 0) { // rank 0 has submitted before
      for (int i = 0; i < 4; ++i) {
        expect(four[static_cast<std::size_t>(i)] == (2 * r + i) % torc::num_workers(), "cyclic");
      }
    }
  }
  std::atomic<int> sum{0};
  for (int i = 0; i < 100; ++i) {
    const auto note = [&sum](torc::future<int>& t) {
      expect(torc::rank() == 0, "a callback at home");
      sum += t.result() - t.input<int>();
    };
    torc::submit(
        torc::cyclic.priority(i % 10).keep_input(), [](int x) { return x + 1; }, i)
        .callback(note)
        .callback(torc::here.direct(), note);
  }
  torc::sync();
  expect(sum == 200, "callbacks");
  for (int i = 0; i < 20; ++i) {
    static_cast<void>(torc::submit(torc::cyclic.detached(), [] {
      static_cast<void>(torc::submit(torc::cyclic.detached(), test::fib, 15));
    }));
  }
  const auto table = torc::broadcast(numbers(100'000)).get();
  const std::vector<int> is = numbers(1000), last(1000, 99'999);
  const auto found = torc::map([](auto t, int i, int l) { return look_up(t, i) + look_up(t, l); },
                               std::vector(1000, table), is, last, torc::chunk{10})
                         .get();
  expect(found[7] == 7 + 99'999, "broadcast");
  int expected = 0;
  for (const int y : torc::lazy_map(torc::bind(look_up, table), is, torc::in_flight{16})) {
    expect(y == expected++, "lazy_map");
  }
  expect(expected == 1000, "lazy_map to the end");
}

void answers() {
  expect(test::fib(25) == 75025, "fib");
  expect(test::queens(9) == 352, "queens");
  for (const int tree : {0, 1}) {
    const uts::tree& t = uts::trees[static_cast<std::size_t>(tree)];
    expect(test::search(tree, uts::root(t)) == t.published, "uts");
  }
}

int conformance() {
  places();
  values();
  exceptions();
  together();
  options();
  answers();
  torc::disable_stealing();
  expect(test::fib(20) == 6765, "fib without stealing");
  torc::enable_stealing();
  expect(test::fib(20) == 6765, "fib with stealing again");
  return 0;
}

/// Sessions one after the other in one process.
int sessions() {
  for (int i = 0; i < 100; ++i) {
    torc::init();
    for (int k = 0; k < 2; ++k) {
      const int code = torc::launch([=] {
        expect(torc::submit(torc::on_rank(i % torc::num_ranks()), test::fib, 10).get() == 55,
               "fib");
        return i + k;
      });
      expect(code == i + k, "the exit code of a launch");
    }
    torc::shutdown();
  }
  return 0;
}

/// The primary task throws: rank 0 may catch that, and the others get 1. Sessions one after the
/// other.
int thrown() {
  for (int i = 0; i < 100; ++i) {
    int code = -1;
    bool caught = false;
    try {
      code = torc::start([i]() -> int {
        const auto there = torc::on_rank(i % torc::num_ranks());
        static_cast<void>(torc::submit(there, test::fib, 10));
        throw known_error("primary");
      });
    } catch (const known_error&) {
      caught = true;
    }
    expect(caught || code == 1, "the others get 1");
  }
  return 0;
}

/// The calling function becomes the primary task late.
int late() {
  torc::runtime session;
  const int before = session.launch([] { return 5; });
  expect(before == 5, "a launch before");
  session.launch();
  expect(torc::rank() == 0, "only rank 0 goes on");
  expect(test::fib(18) == 2584, "fib");
  expect(torc::submit(torc::on_rank(torc::num_ranks() - 1).pinned(), rank_of_this).get() ==
             torc::num_ranks() - 1,
         "on_rank");
  return 0;
}

/// The code that rank 0 returns then is its own, the others end with 0. There is no other session.
int late_code() {
  {
    torc::runtime session;
    session.launch();
  }
  try {
    torc::init();
  } catch (const std::logic_error&) {
    return 5;
  }
  return 1;
}

/// An exception that passes through that function makes the others end with 1, whatever becomes of
/// rank 0.
int late_thrown() {
  try {
    torc::runtime session;
    session.launch();
    throw known_error("primary");
  } catch (const known_error&) {
    return 0;
  }
}

/// More messages at once than MPI takes: all arrive soon, although whoever waits for them sleeps.
int burst() {
  return torc::start([] {
    for (int round = 0; round < 10; ++round) {
      std::vector<torc::future<int>> ranks;
      for (int i = 0; i < 100'000; ++i) {
        ranks.push_back(torc::submit(rank_of_this));
      }
      torc::wait(ranks).get();
    }
  });
}

std::vector<int> cores_of_this() {
  cpu_set_t mask;
  sched_getaffinity(0, sizeof mask, &mask);
  std::vector<int> cores;
  for (int c = 0; c < CPU_SETSIZE; ++c) {
    if (CPU_ISSET(c, &mask)) {
      cores.push_back(c);
    }
  }
  return cores;
}

/// With TORC_BIND=core and one worker each: the ranks of a host do not get in each other's way.
int bound() {
  const std::size_t there_are = cores_of_this().size();
  return torc::start([there_are] {
    std::set<int> taken;
    for (int r = 0; r < torc::num_ranks(); ++r) {
      const auto cores = torc::submit(torc::on_rank(r).pinned(), cores_of_this).get();
      expect(cores.size() == 1, "a worker has a core of its own");
      taken.insert(cores.front());
    }
    expect(taken.size() == std::min(there_are, static_cast<std::size_t>(torc::num_ranks())),
           "ranks have different cores");
  });
}

} // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "conformance";
  if (mode == "sessions") return sessions();
  if (mode == "thrown") return thrown();
  if (mode == "burst") return burst();
  if (mode == "bound") return bound();
  if (mode == "late") return late();
  if (mode == "late_code") return late_code();
  if (mode == "late_thrown") return late_thrown();
  return torc::start(conformance);
}
