// SPDX-License-Identifier: MIT

// Adaptive quadrature by Simpson's rule: an interval is halved, and both halves are integrated in
// parallel, until halving changes the result no more. Where the function has a peak the recursion
// is deep, elsewhere it is shallow. Written with coroutines.
//
//     quadrature [TOLERANCE]
//     quadrature 1e-10

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <torc/torc.hpp>

namespace {

constexpr double width = 1e-3; // of the peak

double f(double x) { return width / (width * width + (x - 0.3) * (x - 0.3)); }

/// An interval, the function at its ends and in its middle, and Simpson's rule for it.
struct interval {
  double a, b;
  double at_a, at_middle, at_b;

  double middle() const { return (a + b) / 2; }
  double simpson() const { return (b - a) / 6 * (at_a + 4 * at_middle + at_b); }
  interval left() const { return {a, middle(), at_a, f((a + middle()) / 2), at_middle}; }
  interval right() const { return {middle(), b, at_middle, f((middle() + b) / 2), at_b}; }
};

torc::task<double> integrate(interval whole, double tolerance) {
  const interval left = whole.left();
  const interval right = whole.right();
  const double finer = left.simpson() + right.simpson();
  const double change = finer - whole.simpson();
  if (std::abs(change) <= 15 * tolerance) co_return finer + change / 15;
  auto [x, y] =
      co_await torc::wait(integrate(left, tolerance / 2), integrate(right, tolerance / 2));
  co_return x + y;
}

torc::task<int> app(int argc, char** argv) {
  const double tolerance = argc == 1 ? 1e-8 : argc == 2 ? std::atof(argv[1]) : 0.0;
  if (!(tolerance >= 1e-12 && tolerance <= 1)) {
    std::fprintf(stderr, "usage: quadrature [TOLERANCE]        (from 1e-12 to 1)\n");
    co_return 2;
  }
  const double begin = torc::wtime();
  const double integral = co_await integrate({0, 1, f(0), f(0.5), f(1)}, tolerance);
  const double elapsed = torc::wtime() - begin;
  const double error = std::abs(integral - (std::atan(0.7 / width) + std::atan(0.3 / width)));
  std::printf("integral %.12f, error %.1e, in %.3f s\n", integral, error, elapsed);
  co_return error <= tolerance + 1e-13 ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) { return torc::start(argc, argv, app); }
