// SPDX-License-Identifier: MIT

// CMA-ES: minimises a function by samples of a Gaussian that learns where to look. The values of a
// generation are computed in parallel by `map`. After Hansen, "The CMA Evolution Strategy: A
// Tutorial", arXiv:1604.00772, with its default parameters, but the Cholesky factor of the
// covariance in place of its symmetric root.
//
//     cma_es [DIMENSION]
//     mpirun -n 2 cma_es 10

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <random>
#include <torc/torc.hpp>
#include <vector>

#include "argument.hpp"

namespace {

using point = std::vector<double>; // Eigen's vectors do not travel
using vector = Eigen::VectorXd;
using matrix = Eigen::MatrixXd;

double rosenbrock(const point& x) {
  double sum = 0;
  for (std::size_t i = 0; i + 1 < x.size(); ++i) {
    const double a = x[i] * x[i] - x[i + 1], b = x[i] - 1;
    sum += 100 * a * a + b * b;
  }
  return sum;
}

class cma_es {
public:
  cma_es(int n, double sigma, int population)
      : size_(population),
        sigma_(sigma),
        weights_(vector::Zero(population)),
        mean_(vector::Zero(n)),
        path_(vector::Zero(n)),
        sigma_path_(vector::Zero(n)),
        covariance_(matrix::Identity(n, n)),
        z_(n, population),
        y_(n, population) {
    const int selected = population / 2;
    for (int i = 0; i < selected; ++i)
      weights_[i] = std::log((population + 1) / 2.0) - std::log(i + 1);
    weights_ /= weights_.sum();
  }

  /// The points of a generation.
  std::vector<point> ask() {
    std::normal_distribution<double> gaussian;
    z_ = z_.unaryExpr([&](double) { return gaussian(random_); });
    const matrix factor = covariance_.llt().matrixL();
    y_ = factor.lazyProduct(z_);
    std::vector<point> points;
    for (int k = 0; k < size_; ++k) {
      const vector x = mean_ + sigma_ * y_.col(k);
      points.emplace_back(x.begin(), x.end());
    }
    return points;
  }

  /// The values at these points.
  void tell(const std::vector<double>& values) {
    vector weights(size_); // of the points, by the ranks of their values
    std::vector<int> order(values.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::sort(order, {}, [&](int k) { return values[k]; });
    for (int i = 0; i < size_; ++i)
      weights[order[i]] = weights_[i];
    const vector step = y_.lazyProduct(weights);
    const vector round_step = z_.lazyProduct(weights); // where the Gaussian is round

    const double n = static_cast<double>(mean_.size());
    const double mu = 1 / weights.squaredNorm(); // how many points count
    const double cs = (mu + 2) / (n + mu + 5);
    const double damping = 1 + cs + 2 * std::max(0.0, std::sqrt((mu - 1) / (n + 1)) - 1);
    const double cc = (4 + mu / n) / (n + 4 + 2 * mu / n);
    const double c1 = 2 / ((n + 1.3) * (n + 1.3) + mu);
    const double cmu = std::min(1 - c1, 2 * (mu - 2 + 1 / mu) / ((n + 2) * (n + 2) + mu));
    const double usual = std::sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n)); // length of a z

    mean_ += sigma_ * step;
    sigma_path_ = (1 - cs) * sigma_path_ + std::sqrt(cs * (2 - cs) * mu) * round_step;
    const double length = sigma_path_.norm() / usual;
    const double unbiased = length / std::sqrt(1 - std::pow(1 - cs, 2 * ++generation_));
    const bool moderate = unbiased < 1.4 + 2 / (n + 1);
    path_ = (1 - cc) * path_ + (moderate ? std::sqrt(cc * (2 - cc) * mu) : 0) * step;
    covariance_ *= 1 - c1 - cmu + (moderate ? 0 : c1 * cc * (2 - cc));
    covariance_ += c1 * path_.lazyProduct(path_.transpose());
    for (int k = 0; k < size_; ++k)
      covariance_ += cmu * weights[k] * y_.col(k).lazyProduct(y_.col(k).transpose());
    sigma_ *= std::exp(cs / damping * (length - 1));
  }

private:
  int size_, generation_ = 0;
  double sigma_;
  vector weights_; // of the best, the second, ...
  vector mean_, path_, sigma_path_;
  matrix covariance_;
  matrix z_, y_; // the samples of this generation: independent, and as the covariance says
  std::mt19937_64 random_{3};
};

torc::task<int> app(int argc, char** argv) {
  const long n = number_argument(argc, argv, 2);
  if (n < 2 || n > 100) {
    std::fprintf(stderr, "usage: cma_es [DIMENSION]        (2 to 100)\n");
    co_return 2;
  }
  const int population = std::max(8, static_cast<int>(4 + 3 * std::log(n)));
  cma_es strategy(static_cast<int>(n), 0.5, population);
  double best = HUGE_VAL;
  point where;
  int evaluations = 0;
  for (int generation = 1; best > 1e-14 && evaluations < 100'000; ++generation) {
    const std::vector<point> points = strategy.ask();
    const std::vector<double> values = co_await torc::map(rosenbrock, points, torc::chunk{1});
    strategy.tell(values);
    evaluations += population;
    const auto least = std::ranges::min_element(values);
    if (*least < best) {
      best = *least;
      where = points[static_cast<std::size_t>(least - values.begin())];
    }
    if (generation % 10 == 0) std::printf("%6d evaluations: %.3e\n", evaluations, best);
  }
  std::printf("minimum %.1e at (%.4f, ..., %.4f), %d evaluations\n", best, where.front(),
              where.back(), evaluations);
  co_return best <= 1e-14 ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) { return torc::start(argc, argv, app); }
