// SPDX-License-Identifier: MIT

// Results as they come: wait_for says whether all tasks have ended in time, as_completed gives each
// future when its task has ended, wait_any the first.
//
//     stream

#include <chrono>
#include <cstdio>
#include <thread>
#include <torc/torc.hpp>
#include <vector>

namespace {

using std::chrono::milliseconds;

struct sample {
  int number;
  int worker;
};

sample measure(int number) {
  std::this_thread::sleep_for(milliseconds(5 + 7 * number % 25)); // in place of a simulation
  return {number, torc::worker()};
}

std::vector<torc::future<sample>> start_samples(int n) {
  std::vector<torc::future<sample>> samples;
  for (int i = 0; i < n; ++i)
    samples.push_back(torc::submit(measure, i));
  return samples;
}

torc::task<> progress() {
  auto samples = start_samples(24);
  while (!co_await torc::wait_for(milliseconds(20), samples)) {
    int done = 0;
    for (const auto& s : samples)
      done += s.done();
    std::printf("%d of %zu samples\n", done, samples.size());
  }
  std::printf("all samples\n");
}

torc::task<> in_order_of_completion() {
  auto samples = start_samples(8);
  auto stream = torc::as_completed(samples);
  while (auto* next = co_await stream.next()) {
    const sample s = next->get();
    std::printf("sample %d on worker %d\n", s.number, s.worker);
  }
}

/// The same in a plain function, and where it may stop early.
void first_large() {
  auto samples = start_samples(8);
  std::printf("first of all: sample %d\n", samples[torc::wait_any(samples).get()].get().number);
  for (auto& f : torc::as_completed(samples)) {
    if (f.get().number >= 5) {
      std::printf("first large one: sample %d\n", f.get().number);
      break; // the others still run; the task waits for them at its end
    }
  }
}

torc::task<> app() {
  co_await progress();
  co_await in_order_of_completion();
  first_large();
}

} // namespace

// The primary task stays on worker 0 and would have to wait while that is busy with a sample. A
// submitted task goes on wherever a worker is free.
int main() {
  return torc::start([] { torc::submit(torc::here, app).get(); });
}
