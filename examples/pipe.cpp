// SPDX-License-Identifier: MIT

// A pipeline with prefetch: while a block of data is processed, the next one is on its way. Every
// rank has one pipeline, in which the next block is a child of the task that processes this one.
//
//     TORC_WORKERS=2 mpirun -n 2 pipe

#include <chrono>
#include <cstdio>
#include <numeric>
#include <thread>
#include <torc/torc.hpp>
#include <vector>

namespace {

using std::chrono::milliseconds;
using block = std::vector<double>;

constexpr int blocks = 12;
constexpr milliseconds loading(10), processing(10);

block load(int pipeline, int number) {
  std::this_thread::sleep_for(loading); // in place of a slow disk
  return block(1000, pipeline + number);
}

double process(const block& b) {
  std::this_thread::sleep_for(processing); // in place of work
  return std::accumulate(b.begin(), b.end(), 0.0);
}

double one_by_one(int pipeline) {
  double sum = 0;
  for (int i = 0; i < blocks; ++i)
    sum += process(load(pipeline, i));
  return sum;
}

double with_prefetch(int pipeline) {
  double sum = 0;
  block current = load(pipeline, 0);
  for (int i = 1; i < blocks; ++i) {
    auto next = torc::spawn(load, pipeline, i); // starts as soon as another worker is free
    sum += process(current);
    current = next.get();
  }
  return sum + process(current);
}

/// A pipeline on every rank: the sum of what they give.
double run(const char* name, double (*pipeline)(int)) {
  const double begin = torc::wtime();
  std::vector<torc::future<double>> pipelines;
  for (int r = 0; r < torc::num_ranks(); ++r)
    pipelines.push_back(torc::submit(torc::on_rank(r), pipeline, r));
  double sum = 0;
  for (auto& p : pipelines)
    sum += p.get();
  std::printf("%-14s sum %.0f, %.3f s\n", name, sum, torc::wtime() - begin);
  return sum;
}

int app() { return run("one by one", one_by_one) == run("with prefetch", with_prefetch) ? 0 : 1; }

} // namespace

int main() { return torc::start(app); }
