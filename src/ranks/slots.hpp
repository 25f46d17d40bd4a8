// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <torc/detail/remote.hpp>
#include <torc/detail/spinlock.hpp>
#include <vector>

namespace torc::detail {

/// The tasks of this rank that are elsewhere. A place is named by its number and how often it has
/// been used, so that a result that comes twice, or was never asked for, finds nothing. Known is
/// too which ranks have had the task since it left: if one of them dies, it may be gone.
class slots {
public:
  /// `d`, of this rank, goes to rank `to`.
  task_home add(int rank, descriptor& d, int to) {
    const std::lock_guard locked(lock_);
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(places_.size()));
      places_.emplace_back();
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    place& p = places_[slot];
    p.task = &d;
    p.went_to.assign(1, to);
    p.told = false;
    return {rank, slot, ++p.generation};
  }
  /// The task, which is forgotten; null if there is none.
  descriptor* take(std::uint32_t slot, std::uint64_t generation) noexcept {
    const std::lock_guard locked(lock_);
    if (!holds(slot, generation)) {
      return nullptr;
    }
    free_.push_back(slot);
    return std::exchange(places_[slot].task, nullptr);
  }
  /// It has been passed on to rank `to`.
  void passed_on(std::uint32_t slot, std::uint64_t generation, int to) {
    const std::lock_guard locked(lock_);
    if (holds(slot, generation)) {
      places_[slot].went_to.push_back(to);
    }
  }
  struct gone {
    descriptor* task;
    task_home home; ///< the rank is not filled in
  };
  /// All that may be gone with rank `r`; they are forgotten here.
  std::vector<gone> take_gone_with(int r) {
    std::vector<gone> all;
    const std::lock_guard locked(lock_);
    for (std::uint32_t slot = 0; slot < places_.size(); ++slot) {
      place& p = places_[slot];
      if (p.task != nullptr &&
          std::find(p.went_to.begin(), p.went_to.end(), r) != p.went_to.end()) {
        all.push_back({std::exchange(p.task, nullptr), {.slot = slot, .generation = p.generation}});
        free_.push_back(slot);
      }
    }
    return all;
  }
  /// How many tasks are with each rank.
  std::map<int, int> by_rank() {
    std::map<int, int> tasks;
    const std::lock_guard locked(lock_);
    for (const place& p : places_) {
      if (p.task != nullptr) {
        ++tasks[p.went_to.back()];
      }
    }
    return tasks;
  }
  bool has(std::uint32_t slot, std::uint64_t generation) noexcept {
    const std::lock_guard locked(lock_);
    return holds(slot, generation);
  }
  /// Whether the task there, if it is still the same, has been stopped.
  bool has_stopped(const task_home& home) noexcept {
    const std::lock_guard locked(lock_);
    return holds(home.slot, home.generation) && find_stopped(places_[home.slot].task->within);
  }
  /// Those that have been stopped, once each; their rank is not filled in.
  std::vector<task_home> take_stopped() {
    std::vector<task_home> stopped;
    const std::lock_guard locked(lock_);
    for (std::uint32_t i = 0; i < places_.size(); ++i) {
      place& p = places_[i];
      if (p.task != nullptr && !p.told && find_stopped(p.task->within)) {
        p.told = true;
        stopped.push_back({.slot = i, .generation = p.generation});
      }
    }
    return stopped;
  }

private:
  struct place {
    descriptor* task = nullptr;
    std::uint64_t generation = 0;
    std::vector<int> went_to; ///< ranks
    bool told = false;        ///< the other ranks know that it is stopped
  };
  bool holds(std::uint32_t slot, std::uint64_t generation) const noexcept {
    return slot < places_.size() && places_[slot].generation == generation &&
           places_[slot].task != nullptr;
  }

  spinlock lock_;
  std::vector<place> places_;
  std::vector<std::uint32_t> free_;
};

} // namespace torc::detail
