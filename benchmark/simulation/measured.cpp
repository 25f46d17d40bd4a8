// SPDX-License-Identifier: MIT

// What `simulate` simulates, really run: prints the milliseconds it takes. TORC_STATS=1 counts
// steals and messages. The tasks of a population sleep, so that any number of ranks fits on any
// number of cores.
//
//     mpirun -n 4 measured problem=population tasks_a_rank=20 mean_ns=5000000
//     measured problem=sort n=1000000 trace=FILE      on one rank: and records it

#include "../../examples/uts_tree.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <numeric>
#include <span>
#include <sys/prctl.h>
#include <thread>
#include <torc/torc.hpp>

#include "costs.hpp"
#include "recording.hpp"

namespace {

using simulated::costs;
using uts::counts;

counts search(int t, const uts::node& n);

counts search_children(int t, uts::node parent, int first, int last) {
  if (last - first == 1) return search(t, uts::child(parent, first));
  const int middle = first + (last - first) / 2;
  auto right = torc::spawn(search_children, t, parent, middle, last);
  const counts left = search_children(t, parent, first, middle);
  return left + right.get();
}

counts search(int t, const uts::node& n) {
  const int children = uts::num_children(uts::trees[t], n);
  const counts self = uts::count(n, children);
  return children == 0 ? self : self + search_children(t, n, 0, children);
}

long fib(long n) {
  if (n < 2) return n;
  auto a = torc::spawn(fib, n - 1);
  const long b = fib(n - 2);
  return a.get() + b;
}

/// Merge sort, recorded.
void sort(recording& to, int parent, std::span<unsigned> all) {
  recording::task t(to, parent);
  if (all.size() <= 1000) {
    std::sort(all.begin(), all.end());
    return;
  }
  const std::size_t half = all.size() / 2;
  const auto below = [&](std::span<unsigned> part) { sort(to, t.id(), part); };
  {
    auto right = torc::spawn(below, all.subspan(half));
    t.waits();
    below(all.first(half));
    right.get();
  }
  t.goes_on();
  const std::vector<unsigned> halves(all.begin(), all.end());
  const auto middle = halves.begin() + static_cast<long>(half);
  std::merge(halves.begin(), middle, middle, halves.end(), all.begin());
}

double record_sort(settings& s) {
  std::vector<unsigned> all(s.number<std::size_t>("n", 1'000'000));
  torc::simulation::generator random(1);
  for (unsigned& one : all)
    one = static_cast<unsigned>(random());
  recording r(2 * all.size() / 500 + 10);
  const double begin = torc::wtime();
  sort(r, -1, all);
  const double took = (torc::wtime() - begin) * 1e3;
  r.write(s.text("trace", "sort.trace"));
  return took;
}

/// One of a population; `c` says how long it takes.
struct sleeper {
  costs c;
  std::uint32_t generation;

  char operator()(std::uint32_t i) const {
    prctl(PR_SET_TIMERSLACK, 1);
    std::this_thread::sleep_for(std::chrono::nanoseconds(c(generation, i)));
    return 0;
  }
};

void nothing() {}

/// Milliseconds that f() takes when all other ranks wait for it.
template <class F>
double time(F f) {
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const double begin = torc::wtime();
  f();
  return (torc::wtime() - begin) * 1e3;
}

/// A task that is sent to a rank which sleeps, and its result.
double wake() {
  std::vector<double> times;
  for (int i = 0; i < 51; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    const double begin = torc::wtime();
    torc::submit(torc::on_rank(1), nothing).get();
    times.push_back((torc::wtime() - begin) * 1e3);
  }
  std::nth_element(times.begin(), times.begin() + 25, times.end());
  return times[25];
}

double population(settings& s) {
  const costs c = simulated::make_costs(s);
  const auto generations = s.number<std::uint32_t>("generations", 1);
  const bool cyclic = s.one_of("spread", {"map", "cyclic"}) == 1;
  std::vector<std::uint32_t> all(s.number<std::size_t>("tasks_a_rank", 20) *
                                 static_cast<std::size_t>(torc::num_ranks()));
  std::iota(all.begin(), all.end(), 0U);
  const torc::chunk chunk{s.number<std::size_t>("chunk", 1)};
  return time([&] {
    for (std::uint32_t g = 0; g < generations; ++g) {
      const sleeper one{c, g};
      if (!cyclic) {
        torc::map(one, all, chunk).get();
        continue;
      }
      std::vector<torc::future<char>> futures;
      for (const std::uint32_t i : all)
        futures.push_back(torc::submit(one, i));
      torc::sync();
      for (auto& f : futures)
        f.get();
    }
  });
}

int app(int argc, char** argv) {
  settings s(argc, argv);
  double took = 0;
  switch (s.one_of("problem", {"uts", "fib", "population", "wake", "sort"})) {
  case 0: {
    const uts::tree* const t = uts::find(s.text("tree", "T1"));
    took = time([&] { search(static_cast<int>(t - uts::trees.data()), uts::root(*t)); });
    break;
  }
  case 1:
    took = time([n = s.number("n", 35L)] { fib(n); });
    break;
  case 2:
    took = population(s);
    break;
  case 3:
    took = wake();
    break;
  default:
    took = record_sort(s);
  }
  std::printf("%.6f\n", took);
  return 0;
}

} // namespace

int main(int argc, char** argv) { return torc::start(argc, argv, app); }
