// SPDX-License-Identifier: MIT
#pragma once

#include "../main.hpp"

#include <cmath>

/// Adaptive quadrature of (x*x + 1) * x from 0 to n by halving intervals until one trapezoid and
/// the two half as wide agree to 1e-9: a binary tree of small tasks.
namespace integrate {

constexpr double epsilon = 1e-9;

inline double f(double x) { return (x * x + 1.0) * x; }

/// An interval, f at its ends, and the area of the trapezoid over it.
struct interval {
  double left, right, f_left, f_right, area;
};

/// An interval, split: what its halves' trapezoids say, and whether that is accurate enough.
struct halves {
  interval first, second;
  bool accurate;

  double area() const { return first.area + second.area; }
};

inline interval over(double left, double right) {
  return {left, right, f(left), f(right), (right - left) * (f(left) + f(right)) / 2};
}

inline halves split(const interval& i) {
  const double width = (i.right - i.left) / 2, middle = i.left + width, f_middle = f(middle);
  const interval first{i.left, middle, i.f_left, f_middle, width * (i.f_left + f_middle) / 2};
  const interval second{middle, i.right, f_middle, i.f_right, width * (f_middle + i.f_right) / 2};
  return {first, second, std::abs(first.area + second.area - i.area) < epsilon};
}

/// An upper limit and the number of intervals it takes.
struct size {
  double n;
  long tasks;
};
constexpr size large{10'000, 350'009'975};
constexpr size small{1'000, 15'016'391};

template <class Integrate>
void add(const char* problem, size s, Integrate solve) {
  bench::add(problem, [=](benchmark::State& state) {
    double n = s.n;
    const double exact = n * n * (n * n / 4 + 0.5);
    for (auto _ : state) {
      benchmark::DoNotOptimize(n);
      bench::check(std::abs(solve(over(0, n)) / exact - 1) < 1e-9, "integrate");
    }
    bench::count_tasks(state, s.tasks);
  });
}

/// Both sizes. Rivals run the small one only: the large one takes them up to a minute.
template <class Integrate>
void add(Integrate solve) {
  add("integrate", large, solve);
  add("integrate_small", small, solve);
}

} // namespace integrate
