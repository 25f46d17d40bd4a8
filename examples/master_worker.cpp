// SPDX-License-Identifier: MIT

// Master and workers, as in torcpy: submit independent pieces of work, wait for all of them, look
// at the results. Tasks go to the workers in turn; who is idle steals from who is busy.
//
//     master_worker

#include <chrono>
#include <cstdio>
#include <thread>
#include <torc/torc.hpp>
#include <vector>

namespace {

struct report {
  double value;
  int worker;
};

report work(int i) {
  std::this_thread::sleep_for(std::chrono::milliseconds(1 + i % 5)); // in place of a simulation
  return {1.0 * i * i, torc::worker()};
}

torc::task<> master() {
  std::vector<torc::future<report>> tasks;
  for (int i = 0; i < 40; ++i) {
    tasks.push_back(torc::submit(work, i));
  }
  co_await torc::wait(); // all children of this task

  double sum = 0;
  std::vector<int> tasks_of(static_cast<std::size_t>(torc::num_workers()));
  for (auto& t : tasks) {
    sum += t.result().value;
    ++tasks_of[static_cast<std::size_t>(t.result().worker)];
  }
  std::printf("sum %g\n", sum);
  for (std::size_t w = 0; w < tasks_of.size(); ++w) {
    std::printf("worker %zu ran %d tasks\n", w, tasks_of[w]);
  }
}

} // namespace

int main(int argc, char** argv) { return torc::start(argc, argv, master); }
