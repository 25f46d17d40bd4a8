// SPDX-License-Identifier: MIT

// Merge sort, in which both the halves and the merging of them run in parallel; compared with
// std::sort.
//
//     sort [N]
//     TORC_WORKERS=2 sort 10000000

#include <algorithm>
#include <cstdio>
#include <random>
#include <span>
#include <torc/torc.hpp>
#include <vector>

#include "argument.hpp"

namespace {

using numbers = std::span<double>;

constexpr std::size_t small = 4096; // not worth halving: std::sort and std::merge are faster

/// Merges two sorted spans: the longer one is halved, and the other where the middle belongs.
void merge_into(numbers a, numbers b, numbers to) {
  if (a.size() < b.size()) std::swap(a, b);
  if (to.size() <= small) {
    std::merge(a.begin(), a.end(), b.begin(), b.end(), to.begin());
    return;
  }
  const std::size_t i = a.size() / 2;
  const auto j = static_cast<std::size_t>(std::lower_bound(b.begin(), b.end(), a[i]) - b.begin());
  auto upper = torc::spawn(merge_into, a.subspan(i), b.subspan(j), to.subspan(i + j));
  merge_into(a.first(i), b.first(j), to.first(i + j));
  upper.get();
}

/// Sorts `data`, of which `copy` is a copy; the result is in the one that `into_copy` says.
void merge_sort(numbers data, numbers copy, bool into_copy) {
  if (data.size() <= small) {
    std::sort(into_copy ? copy.begin() : data.begin(), into_copy ? copy.end() : data.end());
    return;
  }
  const std::size_t half = data.size() / 2;
  auto upper = torc::spawn(merge_sort, data.subspan(half), copy.subspan(half), !into_copy);
  merge_sort(data.first(half), copy.first(half), !into_copy);
  upper.get();
  const numbers from = into_copy ? data : copy;
  merge_into(from.first(half), from.subspan(half), into_copy ? copy : data);
}

int app(int argc, char** argv) {
  const long n = number_argument(argc, argv, 2'000'000);
  if (n < 1 || n > 1'000'000'000) {
    std::fprintf(stderr, "usage: sort [N]        (N from 1 to 1000000000)\n");
    return 2;
  }
  std::vector<double> data(static_cast<std::size_t>(n));
  std::mt19937_64 random;
  std::generate(data.begin(), data.end(), [&] { return std::uniform_real_distribution()(random); });
  std::vector<double> expected = data;

  const double begin = torc::wtime();
  std::vector<double> copy = data;
  merge_sort(data, copy, false);
  const double middle = torc::wtime();
  std::sort(expected.begin(), expected.end());
  const double end = torc::wtime();

  const bool right = data == expected;
  std::printf("%ld numbers: %.3f s by %d worker(s), std::sort %.3f s, %s\n", n, middle - begin,
              torc::num_workers(), end - middle, right ? "same order" : "DIFFERENT order");
  return right ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) { return torc::start(argc, argv, app); }
