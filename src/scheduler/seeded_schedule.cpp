// SPDX-License-Identifier: MIT
#include "scheduler/seeded_schedule.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "scheduler/worker.hpp"

namespace torc::detail {

void seeded_schedule::begin(worker& w, fiber& f) noexcept {
  w.own.running = &f;
  assume_frames(w.own, f);
}

void seeded_schedule::point() noexcept {
  idle_in_a_row_ = 0;
  if (!chance(4)) {
    return;
  }
  worker& next = *workers_[random_() % workers_.size()];
  if (&next != this_worker()) {
    switch_worker(next);
  }
}

void seeded_schedule::idle() noexcept {
  if (++idle_in_a_row_ > 100 * workers_.size()) {
    // Somebody waits for a timer, another thread, or for ever.
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  worker& next = *workers_[random_() % workers_.size()];
  if (&next != this_worker()) {
    switch_worker(next);
  }
}

void seeded_schedule::shuffle(std::vector<worker*>& victims) noexcept {
  std::shuffle(victims.begin(), victims.end(), random_); // of libstdc++: the same everywhere
}

} // namespace torc::detail
