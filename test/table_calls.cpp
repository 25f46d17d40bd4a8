// SPDX-License-Identifier: MIT

// The calls in the tables of doc/coming_from.md compile, with these names. Nothing is run.

#include <chrono>
#include <functional>
#include <ranges>
#include <thread>
#include <torc/torc.hpp>
#include <vector>

namespace torc::calls { // the page leaves out torc::

struct options {
  int power = 2;
};
/// A function of whatever a row calls it with.
struct function {
  int operator()(auto&&...) const { return 0; }
};
constexpr function f, g;
int square(int n);
void cb(future<int>& task);
int app();

extern int argc;
extern char** argv;
constexpr int n = 4;
constexpr std::chrono::milliseconds ms(1);
extern int q, x, y;
extern std::vector<int> xs, ys;
extern std::vector<future<int>> tasks;
extern future<int> a, t;
extern group tg;
extern runtime session;

#include "table_calls.hpp" // made of the page by table_calls.awk

} // namespace torc::calls
