// SPDX-License-Identifier: MIT

// Runs a program on a simulated machine and prints what came out, as a line of JSON if asked.
//
//     simulate [FILE...] [name=value...]     problem=uts|fib|population|trace, ranks=N, seed=N, ...
//     simulate machine.txt problem=uts tree=T1XL ranks=1024
//
// All names: src/simulation/machine.cpp, workloads.hpp, and below.

#include <cstdio>
#include <sys/resource.h>

#include "simulation/world.hpp"
#include "workloads.hpp"

namespace {

using namespace simulated;
using torc::detail::policy;

policy make_policy(settings& s) {
  policy p;
  const auto choose = [&](auto& value, const char* name, std::initializer_list<const char*> words) {
    value = static_cast<std::remove_reference_t<decltype(value)>>(
        s.one_of(name, words, static_cast<int>(value)));
  };
  choose(p.victims, "victims", {"near_first", "flat"});
  choose(p.victim, "victim", {"random", "last_giver", "loads"});
  choose(p.children, "children", {"one", "half", "adaptive"});
  choose(p.submitted, "submitted", {"one", "half", "adaptive"});
  choose(p.lifelines, "silence", {"back_off", "lifelines"});
  p.near_attempts = s.number("near_attempts", p.near_attempts);
  p.far_attempts = s.number("far_attempts", p.far_attempts);
  return p;
}

/// How far simulated and measured figures have been apart, in percent (calibrate.py).
struct errors {
  double makespan, steals, messages;
};

void print(const outcome& out, const errors& e, std::int64_t ranks, nanoseconds ideal, bool json) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double each = 1 / static_cast<double>(ranks), ms = 1e-6;
  const auto per_rank = [&](std::uint64_t n) { return static_cast<double>(n) * each; };
  const double best = ideal > 0 ? out.work / (out.capacity * static_cast<double>(ideal)) : 1;
  const double cpu = static_cast<double>(usage.ru_utime.tv_sec) +
                     static_cast<double>(usage.ru_utime.tv_usec) * 1e-6;
  const double megabytes = static_cast<double>(usage.ru_maxrss) / 1024;
  const auto ms_of = [&](nanoseconds t) { return static_cast<double>(t) * ms; };
  if (json) {
    std::printf("{\"ranks\": %lld, \"makespan_ms\": %.6f, \"efficiency\": %.5f, \"best\": %.5f, "
                "\"ramp_up_ms\": %.6f, \"drain_ms\": %.6f, \"stolen_near\": %.3f, "
                "\"stolen_far\": %.3f, \"requests\": %.3f, \"refused\": %.3f, \"lifelines\": %.3f, "
                "\"messages\": %.3f, \"bytes\": %.1f, \"tasks\": %llu, \"events\": %llu, "
                "\"cpu_s\": %.2f, \"memory_mb\": %.1f, \"error_makespan\": %.1f, "
                "\"error_steals\": %.1f, \"error_messages\": %.1f}\n",
                static_cast<long long>(ranks), ms_of(out.ended), out.efficiency(), best,
                ms_of(out.ramp_up), ms_of(out.drain()), per_rank(out.stolen_near),
                per_rank(out.stolen_far), per_rank(out.requests), per_rank(out.refused),
                per_rank(out.lifelines), per_rank(out.messages), per_rank(out.bytes),
                static_cast<unsigned long long>(out.run),
                static_cast<unsigned long long>(out.events), cpu, megabytes, e.makespan, e.steals,
                e.messages);
    return;
  }
  std::printf("simulated; a rank's figures are means\n");
  std::printf("  time       %.3f ms (error %.0f %%): %.2f %% of the ranks work, at best %.2f %%\n",
              ms_of(out.ended), e.makespan, 100 * out.efficiency(), 100 * best);
  std::printf("  ramp-up    %.3f ms until 90 %% work; drain %.3f ms after the end\n",
              ms_of(out.ramp_up), ms_of(out.drain()));
  std::printf("  stolen     %.2f tasks a rank within the host, %.2f from others (error %.0f %%)\n",
              per_rank(out.stolen_near), per_rank(out.stolen_far), e.steals);
  std::printf("  requests   %.2f a rank, %.2f refused; %.2f lifelines\n", per_rank(out.requests),
              per_rank(out.refused), per_rank(out.lifelines));
  std::printf("  messages   %.2f a rank (error %.0f %%), %.0f bytes\n", per_rank(out.messages),
              e.messages, per_rank(out.bytes));
  std::printf("  simulation %llu events, %.1f s, %.0f MB\n",
              static_cast<unsigned long long>(out.events), cpu, megabytes);
}

int run(int argc, char** argv) {
  settings s(argc, argv);
  machine m;
  m.ranks = s.number<std::int64_t>("ranks", 64);
  if (m.ranks < 1 || m.ranks > 1'000'000) throw std::invalid_argument("ranks: 1 to 1000000");
  const auto seed = s.number<std::uint64_t>("seed", 1);
  const bool json = s.number("json", 0) != 0;
  const errors e{s.number("error.makespan", 0.0), s.number("error.steals", 0.0),
                 s.number("error.messages", 0.0)};
  const policy p = make_policy(s);
  const int which = s.one_of("problem", {"uts", "fib", "population", "trace"});
  const std::unique_ptr<problem> work = which == 0   ? make_uts(s)
                                        : which == 1 ? make_fib(s)
                                        : which == 2 ? make_population(s, m.ranks)
                                                     : make_trace(s);
  const auto dead = s.number<std::int64_t>("dies", m.ranks); // this rank, at that time
  const auto dies_at = s.number<nanoseconds>("dies_at", 0);
  for (const char* name : {"node_ns", "call_ns", "oversleep"}) // of other problems
    s.text(name, "");
  s.rest([&](const std::string& name, const std::string& value) { m.set(name, value); });
  world w(m, *work, seed, p);
  if (dead < m.ranks) w.at(dies_at, static_cast<int>(dead), event_kind::dies);
  const outcome out = w.run();
  if (out.lost_rank >= 0) {
    std::fprintf(stderr, "simulate: rank %d is lost, which ends the job\n", out.lost_rank);
    return 1;
  }
  if (out.wrong != nullptr || out.ended < 0 || out.closed < 0) {
    std::fprintf(stderr, "simulate: it does not end well: %s\n",
                 out.wrong != nullptr ? out.wrong : "something is lost");
    return 1;
  }
  print(out, e, m.ranks, work->ideal(m.ranks), json);
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "simulate: %s\n", e.what());
    return 2;
  }
}
