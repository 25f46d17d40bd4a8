// SPDX-License-Identifier: MIT
#include "../runtime/torc.hpp"
#include "config.hpp"

#include <ranges>

namespace {

using nqueens::board;

torc::task<long> solve(const board b) {
  if (b.rows == nqueens::n) co_return 1;
  const auto safe = [&b](int column) { return b.safe(column); };
  const auto place = [&b](int column) { return solve(b.with(column)); };
  auto columns = std::views::iota(0, nqueens::n) | std::views::filter(safe);
  co_return co_await torc::reduce(place, columns, 0L);
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "torc_coroutine");
  nqueens::add([](const board& b) { return solve(b).get(); });
  return bench::run();
}
