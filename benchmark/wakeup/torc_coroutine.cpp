// SPDX-License-Identifier: MIT
#include "../runtime/torc.hpp"
#include "config.hpp"

namespace {

torc::task<> attend(bench::meeting& m, int side) {
  m.attend(side);
  co_return;
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "torc_coroutine");
  wakeup::add([](bench::meeting& m) { torc::wait(attend(m, 0), attend(m, 1)).get(); });
  return bench::run();
}
