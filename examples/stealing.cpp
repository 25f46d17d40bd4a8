// SPDX-License-Identifier: MIT

// Work stealing: all tasks are sent to worker 1, and those who have nothing to do come for them.
// While the tasks are submitted, ranks may not steal from each other, so that they really get
// there.
//
//     TORC_WORKERS=1 mpirun -n 4 stealing [SECONDS]       what a task takes, 1 unless given

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <torc/torc.hpp>
#include <vector>

namespace {

struct report {
  int value;
  int rank;
};

report work(int x, double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  return {x * x, torc::rank()};
}

torc::task<int> app(int argc, char** argv) {
  const double seconds = argc == 1 ? 1.0 : argc == 2 ? std::atof(argv[1]) : -1.0;
  if (!(seconds > 0)) {
    std::fprintf(stderr, "usage: stealing [SECONDS]\n");
    co_return 2;
  }
  if (torc::num_workers() < 2) {
    std::printf("This example needs two workers.\n");
    co_return 0;
  }
  torc::disable_stealing();

  const double begin = torc::wtime();
  std::vector<torc::future<report>> tasks;
  for (int x = 1; x <= 16; ++x)
    tasks.push_back(torc::submit(torc::on_worker(1), work, x, seconds));
  torc::enable_stealing();
  co_await torc::wait();
  const double elapsed = torc::wtime() - begin;

  std::vector<int> executed(static_cast<std::size_t>(torc::num_ranks()));
  int sum = 0, helpers = 0;
  for (auto& t : tasks) {
    sum += t.result().value;
    helpers += executed[static_cast<std::size_t>(t.result().rank)]++ == 0;
  }
  for (std::size_t r = 0; r < executed.size(); ++r)
    std::printf("Rank %zu executed %d\n", r, executed[r]);
  std::printf("Sum %d, %d of %d ranks have helped\n", sum, helpers, torc::num_ranks());
  std::printf("Elapsed time=%.2f s\n", elapsed);
  co_return sum == 1496 ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) { return torc::start(argc, argv, app); }
