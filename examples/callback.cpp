// SPDX-License-Identifier: MIT

// Callbacks: a function that is called with a task's future when the task has ended, wherever that
// ran, on the rank that asked for it. First each prints what its task was given and has given; then
// they add up results, for which `reduce` is the shorter way.
//
//     mpirun -n 2 callback

#include <atomic>
#include <cstdio>
#include <functional>
#include <ranges>
#include <torc/torc.hpp>
#include <vector>

namespace {

int square(int x) { return x * x; }

void print(torc::future<int>& task) {
  std::printf("callback on rank %d: %d^2 = %d\n", torc::rank(), task.input<int>(), task.result());
}

// Callbacks are tasks of this rank, so that its workers may run several at a time.
std::atomic<int> sum = 0;

void add(torc::future<int>& task) { sum += task.result(); }

torc::task<int> app() {
  std::vector<torc::future<int>> tasks;
  for (int x = 1; x <= 4; ++x)
    tasks.push_back(torc::submit(torc::cyclic.keep_input(), square, x).callback(print));
  co_await torc::wait(); // for the callbacks too

  for (int x = 0; x < 10; ++x)
    tasks.push_back(torc::submit(square, x).callback(add));
  co_await torc::wait();
  const int reduced = co_await torc::reduce(square, std::views::iota(0, 10), 0);
  std::printf("sum by callbacks %d, by reduce %d\n", sum.load(), reduced);
  co_return sum == reduced ? 0 : 1;
}

} // namespace

int main() { return torc::start(app); }
