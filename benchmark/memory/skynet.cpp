// SPDX-License-Identifier: MIT
#include "peak.hpp"

#include <torc/torc.hpp>

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

torc::task<int> app() {
  const long leaves = 10'000'000;
  const long sum = co_await node(0, leaves);
  print_peak_memory();
  co_return sum == leaves*(leaves - 1) / 2 ? 0 : 1;
}

} // namespace

int main() { return torc::start(app); }
