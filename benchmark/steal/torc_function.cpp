// SPDX-License-Identifier: MIT
#include "../runtime/torc.hpp"
#include "config.hpp"

#include <functional>

namespace {

void attend(bench::meeting& m, int side) { m.attend(side); }

void meet(bench::meeting& m) {
  auto other = torc::spawn(attend, std::ref(m), 1);
  attend(m, 0);
  other.get();
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "torc_function");
  steal::add(meet);
  return bench::run();
}
