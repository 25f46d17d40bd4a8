// SPDX-License-Identifier: MIT

// Loops over ranges: for_each, map (keeps the order) and reduce (keeps it too). A chunk says how
// many elements one task takes; without it torc chooses.
//
//     map_reduce

#include <cmath>
#include <cstdio>
#include <functional>
#include <ranges>
#include <string>
#include <torc/torc.hpp>
#include <vector>

namespace {

double term(int i) { return (i % 2 == 0 ? 4.0 : -4.0) / (2.0 * i + 1.0); }

/// An element may itself be worth a task with children: f may be a coroutine.
torc::task<long> fib(int n) {
  if (n < 2) co_return n;
  auto [a, b] = co_await torc::wait(fib(n - 1), fib(n - 2));
  co_return a + b;
}

long power(int x, int n) { return n == 0 ? 1 : x * power(x, n - 1); }

torc::task<int> app() {
  const auto numbers = std::views::iota(0, 1'000'000);

  const double pi = co_await torc::reduce(term, numbers, 0.0, std::plus<>(), torc::chunk{10'000});
  std::printf("reduce:   pi is about %.6f\n", pi);

  std::vector<double> roots(numbers.size());
  const auto root = [&roots](int i) { roots[static_cast<std::size_t>(i)] = std::sqrt(i); };
  co_await torc::for_each(root, numbers, torc::chunk{10'000});
  std::printf("for_each: the root of 144 is %g\n", roots[144]);

  const std::vector<int> few{20, 5, 25, 10}, exponents{1, 2, 3, 0};
  std::printf("map:     ");
  for (long value : co_await torc::map(fib, few, torc::chunk{1}))
    std::printf(" %ld", value);
  std::printf("\n");

  std::printf("map:      of two ranges");
  for (long value : co_await torc::map(power, few, exponents))
    std::printf(" %ld", value);
  std::printf("\n");

  // Any associative operation: the order is kept.
  const auto letter = [](int i) { return std::string(1, static_cast<char>('a' + i)); };
  const std::string word = co_await torc::reduce(letter, std::views::iota(0, 26), std::string());
  std::printf("reduce:   %s\n", word.c_str());

  co_return std::abs(pi - M_PI) < 2e-6 && roots[144] == 12 && word.size() == 26 ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) { return torc::start(argc, argv, app); }
