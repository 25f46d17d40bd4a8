// SPDX-License-Identifier: MIT
#pragma once

#include <numeric>
#include <stdexcept>
#include <string>
#include <torc/task.hpp>
#include <vector>

namespace test {

/// 0, 1, ... n - 1.
inline std::vector<int> iota(int n) {
  std::vector<int> v(static_cast<std::size_t>(n));
  std::iota(v.begin(), v.end(), 0);
  return v;
}

inline int twice(int x) { return 2 * x; }
inline torc::task<int> cotwice(int x) { co_return 2 * x; }
inline int twice_or_throw(int x) {
  if (x % 10 == 3) {
    throw std::out_of_range(std::to_string(x));
  }
  return 2 * x;
}
inline bool even(int x) { return x % 2 == 0; }

} // namespace test
