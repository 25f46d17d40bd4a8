// SPDX-License-Identifier: MIT
#include "workloads.hpp"
#include "costs.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <queue>
#include <vector>

namespace simulated {
namespace {

class recursion final : public problem {
public:
  explicit recursion(settings& s)
      : n_(s.number<std::uint32_t>("n", 50)), call_ns_(s.number("call_ns", 2.3)) {}

  task first() override { return {.what = {n_}}; }
  bool fine() const override { return true; }

  nanoseconds run(const task& t, worker& w) override {
    nanoseconds took = 0;
    task next = t;
    do {
      std::uint32_t n = next.what[0];
      for (; cost(n) > batch; n -= 2)
        w.spawn({.what = {n - 1}});
      took += cost(n);
    } while (took < batch && w.take_back(next));
    return took;
  }

private:
  /// Of fib(n), called without help: it makes 2 F(n + 1) - 1 calls.
  nanoseconds cost(std::uint32_t n) const {
    const double golden = (1 + std::sqrt(5.0)) / 2;
    return static_cast<nanoseconds>(call_ns_ * 2 * std::pow(golden, n + 1) / std::sqrt(5.0));
  }

  const std::uint32_t n_;
  const double call_ns_;
};

/// A task is the master, or some of the population: words 0 what, 1 generation, 2 and 3 first and
/// last + 1.
class population final : public problem {
public:
  population(settings& s, std::int64_t ranks)
      : ranks_(ranks),
        size_(s.number<std::int64_t>("tasks_a_rank", 20) * ranks),
        generations_(s.number<std::uint32_t>("generations", 1)),
        cyclic_(s.one_of("spread", {"map", "cyclic"}) == 1),
        chunk_(s.number<std::uint32_t>("chunk", 1)),
        longest_first_(s.one_of("first", {"any", "longest"}) == 1),
        guess_(s.number("guess", 0.0)),
        cost_(make_costs(s)) {
    size_ = s.number<std::int64_t>("tasks", size_);
    if (size_ < 1 || size_ > INT32_MAX || chunk_ < 1)
      throw std::invalid_argument("no such population");
  }

  task first() override { return {.what = {0, 0}}; }

  nanoseconds run(const task& t, worker& w) override {
    const auto [kind, generation, begin, end, a, b, c] = t.what;
    if (kind != 0) return compute(generation, begin, end, w);
    if (generation == generations_) return 0;
    w.then({.what = {0, generation + 1}});
    const auto all = static_cast<std::uint32_t>(size_);
    if (!cyclic_) return compute(generation, 0, all, w);
    for (std::uint32_t i = 0; i < all; i += chunk_)
      w.submit(static_cast<int>(i / chunk_ % ranks_),
               {.what = {1, generation, i, std::min(i + chunk_, all)},
                .priority = priority(generation, i)});
    return 0;
  }
  std::int64_t bytes(const task& t) const override { return 64 + elements(t); }
  std::int64_t result_bytes(const task& t) const override { return 32 + elements(t); }

  nanoseconds ideal(std::int64_t ranks) const override {
    nanoseconds end = 0;
    for (std::uint32_t g = 0; g < generations_; ++g) {
      std::priority_queue<nanoseconds, std::vector<nanoseconds>, std::greater<>> free;
      for (std::int64_t r = 0; r < ranks; ++r)
        free.push(end);
      for (std::uint32_t i = 0; i < size_;) {
        nanoseconds took = 0;
        for (const std::uint32_t next = i + chunk_; i < size_ && i < next; ++i)
          took += cost_(g, i);
        const nanoseconds ends = free.top() + took;
        free.pop();
        free.push(ends);
        end = std::max(end, ends);
      }
    }
    return end;
  }

private:
  nanoseconds compute(std::uint32_t generation, std::uint32_t begin, std::uint32_t end, worker& w) {
    while (end - begin > chunk_) { // as detail/chunked_loop.hpp halves
      const std::uint32_t middle = begin + (end - begin + chunk_ - 1) / chunk_ / 2 * chunk_;
      w.spawn({.what = {1, generation, middle, end}});
      end = middle;
    }
    nanoseconds took = 0;
    for (std::uint32_t i = begin; i < end; ++i)
      took += cost_(generation, i);
    return took;
  }
  /// Of a task as long as the master thinks: two levels for twice the length, 4 for the mean.
  std::uint8_t priority(std::uint32_t generation, std::uint32_t i) const {
    if (!longest_first_) return 0;
    generator random(~(static_cast<std::uint64_t>(generation) << 32 | i));
    random();
    const auto cost =
        static_cast<double>(cost_(generation, i)) * std::exp(guess_ * random.normal());
    return static_cast<std::uint8_t>(std::clamp(4.5 + 2 * std::log2(cost / cost_.mean_ns), 0., 9.));
  }
  /// Their bytes.
  static std::int64_t elements(const task& t) {
    return 8 * static_cast<std::int64_t>(t.what[3] - t.what[2]);
  }
  const std::int64_t ranks_;
  std::int64_t size_;
  const std::uint32_t generations_;
  const bool cyclic_;
  const std::uint32_t chunk_;
  const bool longest_first_;
  const double guess_;
  const costs cost_;
};

} // namespace

std::unique_ptr<problem> make_fib(settings& s) { return std::make_unique<recursion>(s); }
std::unique_ptr<problem> make_population(settings& s, std::int64_t ranks) {
  return std::make_unique<population>(s, ranks);
}

} // namespace simulated
