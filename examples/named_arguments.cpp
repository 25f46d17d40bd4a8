// SPDX-License-Identifier: MIT

// Arguments with names and defaults, as Python's keyword arguments: a struct with initialisers, and
// at the call only the fields that differ. It travels to other ranks as it is.
//
//     named_arguments

#include <cmath>
#include <cstdio>
#include <string>
#include <torc/torc.hpp>
#include <vector>

namespace {

struct options {
  double scale = 1;
  int power = 2;
  std::string unit = "m";
};

std::string area(double x, const options& o) {
  const int rounded = static_cast<int>(std::lround(o.scale * std::pow(x, o.power)));
  return std::to_string(rounded) + " " + o.unit + "^" + std::to_string(o.power);
}

torc::task<> app() {
  std::vector<torc::future<std::string>> tasks;
  tasks.push_back(torc::submit(area, 3, options{}));
  tasks.push_back(torc::submit(area, 3, options{.power = 3}));
  tasks.push_back(torc::submit(area, 3, options{.scale = 10'000, .unit = "cm"}));
  // Where a task runs is no argument of its function and is said before it.
  const auto last = torc::on_rank(torc::num_ranks() - 1).pinned();
  tasks.push_back(torc::submit(last, area, 3, options{.scale = 2, .power = 4, .unit = "ft"}));
  co_await torc::wait(tasks);
  for (auto& t : tasks)
    std::printf("%s\n", t.result().c_str());
}

} // namespace

int main() { return torc::start(app); }
