// SPDX-License-Identifier: MIT

// The shortest program with tasks: ten squares, computed wherever a worker is free.
//
//     submit_wait

#include <cstdio>
#include <torc/torc.hpp>
#include <vector>

namespace {

int square(int x) { return x * x; }

void app() {
  std::vector<torc::future<int>> tasks;
  for (int x = 0; x < 10; ++x)
    tasks.push_back(torc::submit(square, x));

  torc::wait(tasks[3], tasks[5]).get(); // these two; all ten are waited for below
  std::printf("%d + %d = %d\n", tasks[3].result(), tasks[5].result(),
              tasks[3].result() + tasks[5].result());

  torc::sync();
  for (auto& t : tasks)
    std::printf("%d ", t.result());
  std::printf("\n");
}

} // namespace

int main() { return torc::start(app); }
