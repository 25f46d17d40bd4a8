// SPDX-License-Identifier: MIT
#include "../runtime/torc.hpp"
#include "config.hpp"

namespace {

torc::task<double> solve(const integrate::interval& i) {
  const integrate::halves h = integrate::split(i);
  if (h.accurate) co_return h.area();
  auto [first, second] = co_await torc::wait(solve(h.first), solve(h.second));
  co_return first + second;
}

} // namespace

int main(int argc, char** argv) {
  bench::init(argc, argv, "torc_coroutine");
  integrate::add([](const integrate::interval& i) { return solve(i).get(); });
  return bench::run();
}
