// SPDX-License-Identifier: MIT
#include "../runtime/torc.hpp"
#include "config.hpp"

namespace {

torc::task<long> node(long first, long leaves) {
  if (leaves == 1) co_return first;
  const long part = leaves / 10;
  const auto child = [=](long i) { return node(first + i * part, part); };
  auto [a, b, c, d, e, f, g, h, i, j] =
      co_await torc::wait(child(0), child(1), child(2), child(3), child(4), child(5), child(6),
                          child(7), child(8), child(9));
  co_return a + b + c + d + e + f + g + h + i + j;
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "torc_coroutine");
  skynet::add([](long first, long leaves) { return node(first, leaves).get(); });
  return bench::run();
}
