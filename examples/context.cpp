// SPDX-License-Identifier: MIT

// Sessions as objects: the workers are there as long as the object, here twice in one program. In
// each some tasks are submitted, and their results taken in the order in which they come.
//
//     mpirun -n 2 context

#include <chrono>
#include <cstdio>
#include <thread>
#include <torc/torc.hpp>
#include <vector>

namespace {

int work(int number, int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  return number;
}

torc::task<> app() {
  std::vector<torc::future<int>> tasks;
  for (int i = 0; i < 6; ++i)
    tasks.push_back(torc::submit(work, i, (5 - i) * 20));
  std::printf("%d workers:", torc::num_workers());
  auto completed = torc::as_completed(tasks);
  while (auto* task = co_await completed.next())
    std::printf(" %d", task->get());
  std::printf("\n");
}

} // namespace

int main() {
  {
    torc::runtime session;
    session.launch(app);
  }
  torc::runtime another;
  return another.launch(app);
}
