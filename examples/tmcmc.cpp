// SPDX-License-Identifier: MIT

// Transitional Markov chain Monte Carlo: samples from the posterior of a model's parameters, and
// the evidence for the model, by powers of the likelihood that grow from 0 to 1. Ching and Chen, J.
// of Engineering Mechanics 133 (2007), except that a sample drawn n times starts n chains and not
// one that is n times as long: the ends of the first steps would follow another distribution.
//
// Here a parabola is fitted to noisy data with a Gaussian prior, so that the evidence is known. A
// task is all chains from one sample, some of them many, and draws its own random numbers: the
// result is the same on any number of workers and ranks.
//
//     tmcmc [SAMPLES]
//     mpirun -n 2 tmcmc 10000

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <random>
#include <ranges>
#include <torc/torc.hpp>
#include <vector>

#include "argument.hpp"

namespace {

constexpr std::size_t dimension = 3, observations = 20;
constexpr double noise = 0.5, prior_width = 2; // standard deviations
constexpr int steps = 10;                      // of a chain
constexpr double scale = 1;                    // of a step, beside the width of the distribution

using vector = std::array<double, dimension>;
template <std::size_t N>
using matrix = std::array<std::array<double, N>, N>;

/// 1, x, x^2 at the i-th place of observation, from -1 to 1.
vector powers(std::size_t i) {
  const double x = -1 + 2.0 * static_cast<double>(i) / (observations - 1);
  return {1, x, x * x};
}

double dot(const vector& a, const vector& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

/// What was observed; the same on every rank.
const std::array<double, observations>& data() {
  static const auto values = [] {
    std::mt19937 random(1);
    std::normal_distribution<double> error(0, noise);
    std::array<double, observations> y;
    for (std::size_t i = 0; i < observations; ++i)
      y[i] = dot({1, -2, 0.5}, powers(i)) + error(random);
    return y;
  }();
  return values;
}

double log_likelihood(const vector& parameters) {
  double misfit = 0;
  for (std::size_t i = 0; i < observations; ++i)
    misfit += std::pow((data()[i] - dot(parameters, powers(i))) / noise, 2);
  return -0.5 * (misfit + observations * std::log(2 * M_PI * noise * noise));
}

/// Up to a constant.
double log_prior(const vector& parameters) {
  return -0.5 * dot(parameters, parameters) / (prior_width * prior_width);
}

/// The lower triangular matrix whose square, times its transpose, is the symmetric matrix.
template <std::size_t N>
matrix<N> cholesky(const matrix<N>& a) {
  matrix<N> l{};
  for (std::size_t i = 0; i < N; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double rest = a[i][j];
      for (std::size_t k = 0; k < j; ++k)
        rest -= l[i][k] * l[j][k];
      l[i][j] = i == j ? std::sqrt(rest) : rest / l[j][j];
    }
  }
  return l;
}

/// The logarithm of the integral of likelihood times prior: the density of the data, which are
/// Gaussian too.
double exact_log_evidence() {
  matrix<observations> covariance;
  for (std::size_t i = 0; i < observations; ++i)
    for (std::size_t j = 0; j < observations; ++j)
      covariance[i][j] =
          prior_width * prior_width * dot(powers(i), powers(j)) + (i == j ? noise * noise : 0);
  const auto l = cholesky(covariance);
  std::array<double, observations> z; // l * z = data
  double log_density = -0.5 * observations * std::log(2 * M_PI);
  for (std::size_t i = 0; i < observations; ++i) {
    const double known = std::inner_product(z.begin(), z.begin() + i, l[i].begin(), 0.0);
    z[i] = (data()[i] - known) / l[i][i];
    log_density -= std::log(l[i][i]) + 0.5 * z[i] * z[i];
  }
  return log_density;
}

vector gaussian(std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  return {normal(random), normal(random), normal(random)};
}

struct sample {
  vector at;
  double log_likelihood;
};

sample make_sample(const vector& at) { return {at, log_likelihood(at)}; }

sample draw_from_prior(int seed) {
  std::mt19937_64 random(seed);
  vector at = gaussian(random);
  for (double& x : at)
    x *= prior_width;
  return make_sample(at);
}

/// Where chains start, one for each time that the sample was drawn.
struct seedling {
  sample start;
  int chains;
  int seed;
  double power;             // of the likelihood
  matrix<dimension> spread; // of proposals: the Cholesky factor of their covariance
};

/// Some steps of Metropolis' algorithm for likelihood^power * prior.
sample walk(sample current, const seedling& s, std::mt19937_64& random) {
  std::exponential_distribution<double> threshold;
  for (int i = 0; i < steps; ++i) {
    vector there = current.at;
    const vector z = gaussian(random);
    for (std::size_t k = 0; k < dimension; ++k)
      there[k] += dot(s.spread[k], z);
    const sample proposed = make_sample(there);
    const double log_ratio = s.power * (proposed.log_likelihood - current.log_likelihood) +
                             log_prior(proposed.at) - log_prior(current.at);
    if (threshold(random) > -log_ratio) current = proposed;
  }
  return current;
}

std::vector<sample> run(const seedling& s) {
  std::mt19937_64 random(s.seed);
  std::vector<sample> ends;
  for (int i = 0; i < s.chains; ++i)
    ends.push_back(walk(s.start, s, random));
  return ends;
}

/// likelihood^power of all samples, scaled so that the largest is 1.
std::vector<double> weights_of(const std::vector<sample>& samples, double power, double largest) {
  std::vector<double> weights;
  for (const sample& s : samples)
    weights.push_back(std::exp(power * (s.log_likelihood - largest)));
  return weights;
}

double sum_of(const std::vector<double>& xs) { return std::accumulate(xs.begin(), xs.end(), 0.0); }

/// Standard deviation / mean.
double variation(const std::vector<double>& xs) {
  const double mean = sum_of(xs) / static_cast<double>(xs.size());
  double squares = 0;
  for (double x : xs)
    squares += (x / mean - 1) * (x / mean - 1);
  return std::sqrt(squares / static_cast<double>(xs.size()));
}

/// The largest step of the power, up to `rest`, that leaves the weights comparable.
double next_step(const std::vector<sample>& samples, double rest, double largest) {
  if (variation(weights_of(samples, rest, largest)) <= 1) return rest;
  double low = 0, high = rest;
  for (int i = 0; i < 50; ++i) {
    const double middle = (low + high) / 2;
    (variation(weights_of(samples, middle, largest)) <= 1 ? low : high) = middle;
  }
  return low;
}

vector mean_of(const std::vector<sample>& samples, const std::vector<double>& weights) {
  vector mean{};
  for (std::size_t i = 0; i < samples.size(); ++i)
    for (std::size_t k = 0; k < dimension; ++k)
      mean[k] += weights[i] * samples[i].at[k];
  for (double& m : mean)
    m /= sum_of(weights);
  return mean;
}

matrix<dimension> covariance_of(const std::vector<sample>& samples,
                                const std::vector<double>& weights) {
  const vector mean = mean_of(samples, weights);
  const double sum = sum_of(weights);
  matrix<dimension> covariance{};
  for (std::size_t i = 0; i < samples.size(); ++i)
    for (std::size_t j = 0; j < dimension; ++j)
      for (std::size_t k = 0; k < dimension; ++k)
        covariance[j][k] +=
            weights[i] / sum * (samples[i].at[j] - mean[j]) * (samples[i].at[k] - mean[k]);
  return covariance;
}

/// Draws as many samples as there are, by their weights.
std::vector<seedling> draw(const std::vector<sample>& samples, const std::vector<double>& weights,
                           int stage, double power) {
  auto spread = cholesky(covariance_of(samples, weights));
  for (auto& row : spread)
    for (double& x : row)
      x *= scale;
  const int n = static_cast<int>(samples.size());
  std::vector<seedling> all;
  for (int i = 0; i < n; ++i)
    all.push_back({samples[i], 0, stage * n + i, power, spread});
  std::mt19937_64 random(stage);
  std::discrete_distribution<std::size_t> index(weights.begin(), weights.end());
  for (int i = 0; i < n; ++i)
    ++all[index(random)].chains;
  std::erase_if(all, [](const seedling& s) { return s.chains == 0; });
  return all;
}

struct result {
  std::vector<sample> samples;
  double log_evidence;
};

torc::task<result> sample_posterior(int n) {
  std::vector<sample> samples = co_await torc::map(draw_from_prior, std::views::iota(0, n));
  double log_evidence = 0, power = 0;
  for (int stage = 1; power < 1; ++stage) {
    const double largest = std::ranges::max(samples, {}, &sample::log_likelihood).log_likelihood;
    const double step = next_step(samples, 1 - power, largest);
    const auto weights = weights_of(samples, step, largest);
    log_evidence += std::log(sum_of(weights) / n) + step * largest;
    power += step;
    const auto drawn = draw(samples, weights, stage, power);
    samples.clear();
    for (const auto& ends : co_await torc::map(run, drawn))
      samples.insert(samples.end(), ends.begin(), ends.end());
    std::printf("stage %d: power %.6f, %zu different samples\n", stage, power, drawn.size());
  }
  co_return result{std::move(samples), log_evidence};
}

torc::task<int> app(int argc, char** argv) {
  const long n = number_argument(argc, argv, 2000);
  if (n < 100 || n > 1'000'000) {
    std::fprintf(stderr, "usage: tmcmc [SAMPLES]        (100 to 1,000,000)\n");
    co_return 2;
  }
  const double begin = torc::wtime();
  const result found = co_await sample_posterior(static_cast<int>(n));
  const double elapsed = torc::wtime() - begin;

  const vector mean = mean_of(found.samples, std::vector<double>(found.samples.size(), 1));
  std::printf("parabola: %.2f + %.2f x + %.2f x^2\n", mean[0], mean[1], mean[2]);
  const double exact = exact_log_evidence(), error = std::abs(found.log_evidence - exact);
  const bool right = error < 10 / std::sqrt(n);
  std::printf("log evidence: %.3f, exactly %.3f: %s; %.3f s\n", found.log_evidence, exact,
              right ? "right" : "WRONG", elapsed);
  co_return right ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) { return torc::start(argc, argv, app); }
