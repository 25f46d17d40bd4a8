// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <vector>

#include "simulation/workload.hpp"

namespace torc::simulation {

/// Tasks from oldest to newest. Takes no memory while it is empty, as there are many.
class task_queue {
public:
  bool empty() const noexcept { return oldest_ == tasks_.size(); }
  int size() const noexcept { return static_cast<int>(tasks_.size() - oldest_); }
  const task& newest() const noexcept { return tasks_.back(); }

  void push(const task& t) { tasks_.push_back(t); }
  /// Behind those of the same or a higher priority.
  void push_by_priority(const task& t) {
    auto at = tasks_.end();
    while (at != begin() && (at - 1)->priority < t.priority) {
      --at;
    }
    tasks_.insert(at, t);
  }
  task pop_newest() {
    const task t = tasks_.back();
    tasks_.pop_back();
    shrink();
    return t;
  }
  task pop_oldest() {
    const task t = tasks_[oldest_++];
    shrink();
    return t;
  }

private:
  std::vector<task>::iterator begin() { return tasks_.begin() + static_cast<long>(oldest_); }
  void shrink() {
    if (empty()) {
      tasks_.clear();
      oldest_ = 0;
    } else if (oldest_ > 64 && oldest_ > tasks_.size() / 2) {
      tasks_.erase(tasks_.begin(), begin());
      oldest_ = 0;
    }
  }

  std::vector<task> tasks_;
  std::size_t oldest_ = 0;
};

} // namespace torc::simulation
