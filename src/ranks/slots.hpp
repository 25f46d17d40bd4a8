// SPDX-License-Identifier: MIT
#pragma once

#include <torc/detail/remote.hpp>
#include <torc/detail/spinlock.hpp>
#include <vector>

namespace torc::detail {

/// The tasks of this rank that are elsewhere. A place is named by its number and how often it has
/// been used, so that a result that comes twice, or was never asked for, finds nothing.
class slots {
public:
  task_home add(int rank, descriptor& d) {
    lock_.lock();
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(places_.size()));
      places_.emplace_back();
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    place& p = places_[slot];
    p.task = &d;
    ++used_;
    const task_home home{rank, slot, ++p.generation};
    lock_.unlock();
    return home;
  }
  /// The task, which is forgotten; null if there is none.
  descriptor* take(std::uint32_t slot, std::uint64_t generation) noexcept {
    descriptor* d = nullptr;
    lock_.lock();
    if (slot < places_.size() && places_[slot].generation == generation &&
        places_[slot].task != nullptr) {
      d = std::exchange(places_[slot].task, nullptr);
      free_.push_back(slot);
      --used_;
    }
    lock_.unlock();
    return d;
  }
  bool has(std::uint32_t slot, std::uint64_t generation) noexcept {
    lock_.lock();
    const bool found = slot < places_.size() && places_[slot].generation == generation &&
                       places_[slot].task != nullptr;
    lock_.unlock();
    return found;
  }
  bool empty() const noexcept { return used_.load(std::memory_order_relaxed) == 0; }

private:
  struct place {
    descriptor* task = nullptr;
    std::uint64_t generation = 0;
  };
  spinlock lock_;
  std::vector<place> places_;
  std::vector<std::uint32_t> free_;
  atomic<std::size_t> used_{0};
};

} // namespace torc::detail
