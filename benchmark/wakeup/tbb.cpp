// SPDX-License-Identifier: MIT
#include "../runtime/tbb.hpp"
#include "config.hpp"

#include <oneapi/tbb/task_group.h>

int main(int argc, char** argv) {
  bench::init(argc, argv, "tbb");
  wakeup::add([](bench::meeting& m) {
    oneapi::tbb::task_group group;
    group.run([&m] { m.attend(1); });
    m.attend(0);
    group.wait();
  });
  return bench::run();
}
