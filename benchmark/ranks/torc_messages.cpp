// SPDX-License-Identifier: MIT

// What it costs to have ranks, and what a task costs that goes to another one. On one rank only
// the first; else on two ranks of one worker.

#include "../idle/config.hpp"

#include <torc/mpi.hpp>
#include <torc/torc.hpp>

namespace {

using torc::on_rank;
using torc::on_worker;

double median(const std::vector<double>& values) { return bench::quantile(values, 0.5); }

/// The tenth quantile is what a machine does that others disturb.
void add_latency(benchmark::UserCounters& counters, const std::vector<double>& seconds) {
  counters["median_us"] = median(seconds) * 1e6;
  counters["p10_us"] = bench::quantile(seconds, 0.1) * 1e6;
}

/// Seconds that f() takes.
template <class F>
double time(F f) {
  const double begin = bench::now();
  f();
  return bench::now() - begin;
}

/// Keeps the worker busy without a spawn.
void work(double seconds) {
  for (const double end = bench::now() + seconds; bench::now() < end;) {
  }
}

template <class Measure>
void add(const char* problem, Measure measure) {
  bench::add_self_timed(problem, [=](benchmark::State& state) {
    for (auto _ : state)
      state.SetIterationTime(time([&] { measure(state.counters); }));
  });
}

// Spawn and join of tasks that can go elsewhere, and that cannot, when nobody steals.

// Alike for the compiler; but a class with a private member is no aggregate.
struct number {
  long n;
  operator long() const { return n; }
};
class local_number {
public:
  explicit local_number(long n) : n_(n) {}
  operator long() const { return n_; }

private:
  long n_;
};
static_assert(torc::shippable<number> && !torc::shippable<local_number>);

template <class Number>
long fib(Number n) {
  if (n < 2) return n;
  auto a = torc::spawn(fib<Number>, Number{n - 1});
  const long b = fib(Number{n - 2});
  return a.get() + b;
}

void spawn(benchmark::UserCounters& counters) {
  if (torc::num_ranks() > 1) torc::disable_stealing();
  std::vector<double> shippable, local;
  // Calls f once, so that both are inlined alike.
  const auto measure = []<class Number>(long n, long (*f)(Number)) {
    benchmark::DoNotOptimize(n);
    return time([&] { bench::check(f(Number{n}) == 832'040, "fib"); });
  };
  for (int i = 0; i < 11; ++i) {
    shippable.push_back(measure(30, &fib<number>));
    local.push_back(measure(30, &fib<local_number>));
  }
  if (torc::num_ranks() > 1) torc::enable_stealing();
  counters["shippable_to_local"] = median(shippable) / median(local);
  counters["ns_per_task"] = median(shippable) * 1e9 / 2'692'537;
}

void nothing() {}

// Steals, on the thief's clock: from the end of one task to the begin of the next one.

double ended = 0; // on the thief
std::vector<double> gaps;

void tick() {
  if (torc::rank() == 0) return;
  const double began = bench::now();
  if (ended != 0) gaps.push_back(began - ended);
  ended = bench::now();
}

std::vector<double> take_gaps() {
  ended = 0;
  return std::exchange(gaps, {});
}

/// Leaves `n` ticks for a thief, with a hundred tasks after each.
void ticks(int n) {
  if (n == 0) return;
  auto t = torc::spawn(tick);
  for (int i = 0; i < 100; ++i)
    torc::spawn(nothing).get();
  ticks(n - 1);
  t.get();
}

void steal_from_busy(benchmark::UserCounters& counters) {
  for (int i = 0; i < 1000; ++i)
    ticks(1000);
  const std::vector<double> all = submit(on_worker(1).pinned(), take_gaps).get();
  counters["steals"] = static_cast<double>(all.size());
  add_latency(counters, all);
}

void work_until_idle(double seconds) {
  work(seconds);
  ended = bench::now();
}

/// The thief becomes idle when the victim has been in a long task for a while.
void steal_from_long(benchmark::UserCounters& counters) {
  for (int i = 0; i < 11; ++i) {
    auto other = submit(on_worker(1).pinned(), work_until_idle, 0.05);
    work(0.01);
    { // what an earlier request may still get
      auto n = torc::spawn(nothing);
      work(0.01);
      n.get();
    }
    auto t = torc::spawn(tick);
    work(0.08);
    t.get();
    other.get();
  }
  const std::vector<double> all = submit(on_worker(1).pinned(), take_gaps).get();
  counters["steals"] = static_cast<double>(all.size());
  add_latency(counters, all);
}

/// `bytes` bytes there and back by plain MPI.
void ping_pong(int bytes, int trips) {
  const MPI_Comm comm = torc::communicator();
  const int other = 1 - torc::rank();
  std::vector<double> v(static_cast<std::size_t>(bytes) / sizeof(double));
  for (int i = 0; i < trips; ++i) {
    if (other == 1) MPI_Send(v.data(), bytes, MPI_BYTE, other, 0, comm);
    MPI_Recv(v.data(), bytes, MPI_BYTE, other, 0, comm, MPI_STATUS_IGNORE);
    if (other == 0) MPI_Send(v.data(), bytes, MPI_BYTE, other, 0, comm);
  }
}

// Tasks sent to the other rank.

void submit_and_wait(benchmark::UserCounters& counters) {
  std::vector<double> times;
  for (int i = 0; i < 20'000; ++i)
    times.push_back(time([] { submit(on_rank(1), nothing).get(); }));
  add_latency(counters, times);
  counters["plain_mpi_us"] = time([] { torc::spmd(ping_pong, 64, 20'000).get(); }) * 1e6 / 20'000;
}

void submit_many(benchmark::UserCounters& counters) {
  constexpr int tasks = 100'000;
  std::vector<double> times;
  for (int i = 0; i < 5; ++i)
    times.push_back(time([] {
      std::vector<torc::future<void>> all;
      all.reserve(tasks);
      for (int n = 0; n < tasks; ++n)
        all.push_back(submit(on_rank(1), nothing));
      for (auto& one : all)
        one.get();
    }));
  counters["tasks_per_second"] = tasks / median(times);
}

// A MiB there and back, beside the same with plain MPI.

constexpr int mib = 1 << 20, trips = 400;

std::vector<double> back(std::vector<double> v) { return v; }

void bandwidth(benchmark::UserCounters& counters) {
  std::vector<double> plain, ours;
  for (int i = 0; i < 5; ++i) {
    plain.push_back(time([] { torc::spmd(ping_pong, mib, trips).get(); }));
    ours.push_back(time([] {
      std::vector<double> v(mib / sizeof(double));
      for (int n = 0; n < trips; ++n)
        v = submit(on_worker(1).pinned(), back, std::move(v)).get();
    }));
  }
  counters["mb_per_second"] = 2e-6 * trips * mib / median(ours);
  counters["to_plain_mpi"] = median(plain) / median(ours);
}

// The CPU time of two ranks that have nothing to do: one sleeps in its primary task.

void idle_ranks(benchmark::UserCounters& counters) {
  const auto used = [] {
    return std::pair(idle::cpu_seconds(), submit(on_worker(1).pinned(), idle::cpu_seconds).get());
  };
  const auto before = used();
  std::this_thread::sleep_for(std::chrono::seconds(3));
  const auto after = used();
  counters["percent_in_a_task"] = (after.first - before.first) / 3 * 100;
  counters["percent_idle"] = (after.second - before.second) / 3 * 100;
}

int run() {
  add("rank_spawn", spawn);
  if (torc::num_ranks() > 1) {
    add("rank_steal_busy", steal_from_busy);
    add("rank_steal_long", steal_from_long);
    add("rank_submit", submit_and_wait);
    add("rank_submit_many", submit_many);
    add("rank_bandwidth", bandwidth);
    add("rank_idle", idle_ranks);
  }
  return bench::run_all();
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "torc_messages");
  return torc::start(run);
}
