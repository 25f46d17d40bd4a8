// SPDX-License-Identifier: MIT
// expect: do not go together
#include <torc/torc.hpp>
#include <vector>

using list = std::vector<int>;

struct joined {
  list operator()(list a, const list& b) const { return a.insert(a.end(), b.begin(), b.end()), a; }
  list operator()(list a, int b) const { return a.push_back(b), a; }
};

int same(int x) { return x; }
list alone(int x) { return {x}; }

list g(const list& xs) {
#ifdef TORC_CONTROL
  return torc::reduce(alone, xs, list(), joined()).get();
#else
  return torc::reduce(same, xs, list(), joined()).get(); // list(3) is three zeros
#endif
}
