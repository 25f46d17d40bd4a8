// SPDX-License-Identifier: MIT
#pragma once

#include "main.hpp"

#include <array>
#include <atomic>

namespace bench {

/// Two tasks that wait for each other: neither ends before the other has begun, so that one of them
/// is stolen, and it does not matter which.
class meeting {
public:
  /// One of the two tasks, `side` 0 or 1.
  void attend(int side) {
    arrival_[side] = now();
    here_[side].store(true, std::memory_order_release);
    while (!here_[1 - side].load(std::memory_order_acquire))
      if (now() - arrival_[side] > 10)
        check(false, "a task was not started on an idle worker within 10 s");
  }

  /// When both had begun.
  double begun() const { return std::max(arrival_[0], arrival_[1]); }

private:
  double arrival_[2] = {};
  std::atomic<bool> here_[2] = {};
};

/// The median, and as counters other quantiles, of the seconds that `sample` returns.
template <class Sample>
void measure_median(benchmark::State& state, int samples, Sample sample) {
  if (workers() < 2) {
    state.SkipWithError("needs two workers");
    return;
  }
  std::vector<double> seconds(static_cast<std::size_t>(samples));
  for (auto _ : state) {
    for (double& s : seconds)
      s = sample();
    state.SetIterationTime(quantile(seconds, 0.5));
  }
  state.counters["min_us"] = quantile(seconds, 0) * 1e6;
  state.counters["median_us"] = quantile(seconds, 0.5) * 1e6;
  state.counters["p90_us"] = quantile(seconds, 0.9) * 1e6;
  state.counters["max_us"] = quantile(seconds, 1) * 1e6;
}

} // namespace bench
