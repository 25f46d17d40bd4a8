// SPDX-License-Identifier: MIT
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

/// What all benchmark programs share. There is one program for each problem and runtime, and a
/// process measures one number of workers: a rival's idle threads cannot disturb another rival, and
/// no runtime has to be able to start twice.
///
/// A program is `init`, some `add`, and `run` from its runtime's header.
namespace bench {

/// What one benchmark does in Google Benchmark's loop.
using body = std::function<void(benchmark::State&)>;

namespace detail {

inline std::string runtime;
inline int workers = 0; // 0: a program without workers
inline std::string json_file;

inline bool is_serial() { return runtime == "serial"; }

/// Google Benchmark appends how it measured to each name ("fib/tbb/2/real_time"). The names here
/// are a problem, a runtime and a number of workers, and nothing else.
template <class Reporter>
class plain_names : public Reporter {
public:
  using Reporter::Reporter;
  using run = benchmark::BenchmarkReporter::Run;

  void ReportRuns(const std::vector<run>& runs) override {
    std::vector<run> renamed = runs;
    for (run& r : renamed) {
      const std::string name = r.run_name.function_name;
      r.run_name = {};
      r.run_name.function_name = name;
    }
    Reporter::ReportRuns(renamed);
  }
};

} // namespace detail

/// Ends the program if a result is wrong: a wrong answer has no speed.
inline void check(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "wrong result: %s\n", what);
  std::abort();
}

/// How many workers this process measures; 0 for a program without workers. A serial problem is
/// then solved by so many threads at once, by each all of it, and the time divided by their number:
/// no runtime can make more of so many workers.
inline int workers() { return detail::workers; }

/// Reads the command line: Google Benchmark's flags, and `--workers=N` (default: all cores), or
/// `--ranks=RxW` of a program whose processes and workers others have started.
inline void init(int argc, char** argv, std::string runtime) {
  constexpr std::string_view workers_flag = "--workers=";
  constexpr std::string_view ranks_flag = "--ranks=";
  constexpr std::string_view json_flag = "--benchmark_out=";
  detail::runtime = std::move(runtime);
  if (!detail::is_serial())
    detail::workers = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));

  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with(ranks_flag)) {
      detail::runtime = "ranks:" + std::string(argument.substr(ranks_flag.size()));
      detail::workers = 0;
    } else if (!argument.starts_with(workers_flag)) {
      argv[kept++] = argv[i];
      if (argument.starts_with(json_flag)) detail::json_file = argument.substr(json_flag.size());
    } else if (detail::is_serial() || detail::workers > 0) {
      detail::workers = std::atoi(argv[i] + workers_flag.size());
      if (detail::workers < 1) {
        std::fprintf(stderr, "%s: at least one worker is needed\n", argv[i]);
        std::exit(2);
      }
    }
  }
  argv[kept] = nullptr;
  benchmark::Initialize(&kept, argv);
  if (benchmark::ReportUnrecognizedArguments(kept, argv)) std::exit(2);
  benchmark::AddCustomContext("compiler", BENCH_COMPILER);
  benchmark::AddCustomContext("flags", BENCH_FLAGS);
}

namespace detail {

inline benchmark::internal::Benchmark* add(const std::string& problem, body measure) {
  std::string name = problem + '/' + runtime;
  if (workers > 0) name += '/' + std::to_string(workers);
  return benchmark::RegisterBenchmark(name.c_str(), std::move(measure))
      ->Unit(benchmark::kMillisecond)
      ->Threads(is_serial() ? std::max(1, workers) : 1);
}

} // namespace detail

/// Adds `<problem>/<runtime>/<workers>`, or `<problem>/<runtime>` without workers: real time, and
/// as many iterations as so many seconds take. If that is one, it includes waking the other cores:
/// milliseconds in a virtual machine.
inline void add(const std::string& problem, body measure, double seconds = 0.1) {
  detail::add(problem, std::move(measure))->UseRealTime()->MinTime(seconds);
}

/// Adds a benchmark of a single iteration that says itself how long it took (SetIterationTime).
inline void add_self_timed(const std::string& problem, body measure) {
  detail::add(problem, std::move(measure))->UseManualTime()->Iterations(1);
}

/// Runs all that was added; what a runtime's `run` calls from within its workers.
inline int run_all() {
  using detail::plain_names;
  plain_names<benchmark::ConsoleReporter> console(benchmark::ConsoleReporter::OO_None);
  std::unique_ptr<plain_names<benchmark::JSONReporter>> json; // not allowed without a file name
  if (!detail::json_file.empty()) json = std::make_unique<plain_names<benchmark::JSONReporter>>();
  benchmark::RunSpecifiedBenchmarks(&console, json.get());
  benchmark::Shutdown();
  return 0;
}

/// The number of tasks in one iteration, from which the price of one task follows.
inline void count_tasks(benchmark::State& state, long tasks) {
  state.counters["tasks"] = {static_cast<double>(tasks), benchmark::Counter::kAvgThreads};
}

/// Seconds since an arbitrary moment.
inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// The value that this part of the values, 0 to 1, is not above.
inline double quantile(std::vector<double> values, double part) {
  check(!values.empty(), "nothing measured");
  std::sort(values.begin(), values.end());
  const auto i = static_cast<std::size_t>(part * static_cast<double>(values.size()));
  return values[std::min(i, values.size() - 1)];
}

} // namespace bench
