// SPDX-License-Identifier: MIT

// An optimiser without generations: as soon as one evaluation comes back, the next candidate is
// made from what is known by then, so that nobody waits for the slowest. Differential evolution
// after Storn and Price, J. Global Optimization 11 (1997), one member at a time.
//
//     mpirun -n 2 async_optimiser

#include <array>
#include <cmath>
#include <cstdio>
#include <random>
#include <torc/torc.hpp>
#include <vector>

namespace {

using point = std::array<double, 2>;

double rosenbrock(point x) {
  const double a = 1 - x[0], b = x[1] - x[0] * x[0];
  return a * a + 100 * b * b;
}

/// A point that may take the place of a member of the population.
struct candidate {
  std::size_t member;
  point x;
};

class population {
public:
  population() {
    for (member& m : members_)
      m = {{uniform(-5, 5), uniform(-5, 5)}, HUGE_VAL};
  }

  /// The next one to be evaluated.
  candidate ask() {
    const std::size_t i = next_++ % members_.size();
    if (members_[i].value == HUGE_VAL) return {i, members_[i].x}; // nothing known yet
    const point &a = any().x, &b = any().x, &c = any().x;
    const double weight = uniform(0.5, 1);
    point x = members_[i].x;
    for (std::size_t k = 0; k < x.size(); ++k)
      if (uniform(0, 1) < 0.9) x[k] = a[k] + weight * (b[k] - c[k]);
    return {i, x};
  }

  void tell(const candidate& c, double value) {
    if (value > members_[c.member].value) return;
    members_[c.member] = {c.x, value};
    if (value < members_[best_].value) best_ = c.member;
  }

  const point& best() const { return members_[best_].x; }
  double best_value() const { return members_[best_].value; }

private:
  struct member {
    point x;
    double value;
  };
  double uniform(double a, double b) { return std::uniform_real_distribution(a, b)(random_); }
  const member& any() {
    return members_[std::uniform_int_distribution<std::size_t>(0, members_.size() - 1)(random_)];
  }

  std::mt19937 random_{1};
  std::array<member, 24> members_;
  std::size_t best_ = 0, next_ = 0;
};

int optimise() {
  population all;
  std::vector<candidate> trials; // what is being evaluated
  std::vector<torc::future<double>> values;
  // Enough to have something for everybody while a result is on its way.
  for (int i = 0; i < 2 * torc::num_workers(); ++i) {
    trials.push_back(all.ask());
    values.push_back(torc::submit(rosenbrock, trials.back().x));
  }

  int evaluations = 0;
  while (all.best_value() > 1e-10 && evaluations < 20'000) {
    const std::size_t i = torc::wait_any(values).get();
    all.tell(trials[i], values[i].result());
    ++evaluations;
    trials[i] = all.ask();
    values[i] = torc::submit(rosenbrock, trials[i].x);
  }
  std::printf("minimum %.1e at (%.4f, %.4f), %d evaluations\n", all.best_value(), all.best()[0],
              all.best()[1], evaluations);
  return all.best_value() <= 1e-10 ? 0 : 1;
}

} // namespace

// A submitted task, unlike the primary one, goes on at any worker that is free.
int main() {
  return torc::start([] { return torc::submit(torc::here, optimise).get(); });
}
