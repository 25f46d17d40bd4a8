// SPDX-License-Identifier: MIT
#pragma once

// Programs in which something goes wrong, for one rank or several.

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <torc/torc.hpp>
#include <vector>

namespace test {

struct converged : std::runtime_error {
  using std::runtime_error::runtime_error;
};
inline const torc::known_exception<converged> converged_is_known;

/// One of the iterations of a point of the grid below.
inline void iterate(int point, int step) {
  if (step == 3 + point) throw converged(std::to_string(point));
}
/// Whether a point's iterations end by its own convergence.
inline bool converges(int point) {
  try {
    torc::group iterations;
    std::vector<torc::future<void>> all;
    for (int i = 0; i < 50; ++i) {
      all.push_back(torc::submit(iterate, point, i));
    }
    torc::wait(all).get();
  } catch (const converged& e) {
    return e.what() == std::to_string(point);
  }
  return false;
}
/// PyCOMPSs' own example: the exception of a point that has converged cancels its other iterations,
/// and no other point's. How many points have ended so.
inline int search_grid(int points) {
  const torc::group grid;
  std::vector<torc::future<bool>> all;
  for (int p = 0; p < points; ++p) {
    all.push_back(torc::submit(converges, p));
  }
  int converged = 0;
  for (auto& p : all) {
    converged += p.get();
  }
  return converged;
}

// A task of rank 0 and one of rank 1 that wait for each other.

inline std::atomic<torc::future<int>*> first{nullptr}; ///< of the task on rank 1
inline int wait_for_first() {
  while (first == nullptr) {
    std::this_thread::yield();
  }
  return first.load()->get();
}
inline int ask_rank_0() { return torc::submit(torc::on_rank(0).pinned(), wait_for_first).get(); }
inline void wait_in_a_circle() {
  auto a = torc::submit(torc::on_rank(1).pinned(), ask_rank_0);
  first = &a;
  a.get();
}

} // namespace test
