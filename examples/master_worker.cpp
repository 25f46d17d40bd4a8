// SPDX-License-Identifier: MIT

// Master and workers, as in torcpy: the primary task submits four tasks, waits for them and looks
// at their results. They go to the workers of all ranks in turn.
//
//     master_worker [SECONDS]       what a task takes, 1 unless given
//     TORC_WORKERS=2 TORC_STATS=1 mpirun -n 2 master_worker

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <torc/torc.hpp>
#include <vector>

namespace {

struct report {
  double value;
  int rank;
};

report work(double x, double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); // in place of a simulation
  const double y = x * x;
  std::printf("work inp=%.3f, out=%.3f ...on rank %d, worker %d\n", x, y, torc::rank(),
              torc::worker());
  return {y, torc::rank()};
}

torc::task<int> master(int argc, char** argv) {
  const double seconds = argc == 1 ? 1.0 : argc == 2 ? std::atof(argv[1]) : -1.0;
  if (!(seconds > 0)) {
    std::fprintf(stderr, "usage: master_worker [SECONDS]\n");
    co_return 2;
  }

  const double begin = torc::wtime();
  std::vector<torc::future<report>> tasks;
  for (int i = 1; i <= 4; ++i)
    tasks.push_back(torc::submit(work, i, seconds));
  co_await torc::wait(); // all children of this task
  const double elapsed = torc::wtime() - begin;

  std::vector<int> executed(static_cast<std::size_t>(torc::num_ranks()));
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    std::printf("Received: %zu^2=%.3f\n", i + 1, tasks[i].result().value);
    ++executed[static_cast<std::size_t>(tasks[i].result().rank)];
  }
  for (std::size_t r = 0; r < executed.size(); ++r)
    std::printf("Rank %zu executed %d\n", r, executed[r]);
  std::printf("Elapsed time=%.2f s\n", elapsed);
  co_return 0;
}

} // namespace

int main(int argc, char** argv) { return torc::start(argc, argv, master); }
