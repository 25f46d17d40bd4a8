// SPDX-License-Identifier: MIT
#include "scheduler/topology.hpp"

#include <algorithm>
#include <hwloc.h>
#include <sched.h>
#include <utility>

#include "scheduler/worker.hpp"

namespace torc::detail {
namespace {

/// The cores this process may use, in order.
std::vector<int> allowed_cores() {
  std::vector<int> cores;
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) {
    for (int c = 0; c < CPU_SETSIZE; ++c) {
      if (CPU_ISSET(c, &mask)) {
        cores.push_back(c);
      }
    }
  }
  return cores;
}

int core_of(int id) {
  static const std::vector<int> cores = allowed_cores();
  return cores.empty() ? -1 : cores[static_cast<std::size_t>(id) % cores.size()];
}

/// Depth of the smallest part of the machine that two cores share; larger is nearer.
class nearness {
public:
  nearness() {
    if (hwloc_topology_init(&topology_) == 0 && hwloc_topology_load(topology_) == 0) {
      loaded_ = true;
    }
  }
  nearness(const nearness&) = delete;
  nearness& operator=(const nearness&) = delete;
  ~nearness() {
    if (topology_ != nullptr) {
      hwloc_topology_destroy(topology_);
    }
  }
  int operator()(int a, int b) const {
    if (!loaded_ || a < 0 || b < 0) {
      return 0;
    }
    hwloc_obj_t x = hwloc_get_pu_obj_by_os_index(topology_, static_cast<unsigned>(a));
    hwloc_obj_t y = hwloc_get_pu_obj_by_os_index(topology_, static_cast<unsigned>(b));
    return x == nullptr || y == nullptr ? 0 : hwloc_get_common_ancestor_obj(topology_, x, y)->depth;
  }

private:
  hwloc_topology_t topology_ = nullptr;
  bool loaded_ = false;
};

} // namespace

void order_victims(const std::vector<std::unique_ptr<worker>>& workers) {
  const std::size_t n = workers.size();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t step = 1; step < n; ++step) {
      workers[i]->victims.push_back(workers[(i + step) % n].get());
    }
  }
  if (n <= 2) {
    return; // nothing to order, so do not pay for discovering the machine
  }
  const nearness near;
  for (const auto& w : workers) {
    const int here = core_of(w->id);
    const auto distance = [&](const worker* v) {
      const int step = v->id > w->id ? v->id - w->id : v->id - w->id + static_cast<int>(n);
      return std::pair(-near(here, core_of(v->id)), step);
    };
    std::sort(w->victims.begin(), w->victims.end(),
              [&](const worker* a, const worker* b) { return distance(a) < distance(b); });
  }
}

void bind_to_core(int id) noexcept {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (const int core = core_of(id); core >= 0) {
    CPU_SET(static_cast<std::size_t>(core), &mask);
    sched_setaffinity(0, sizeof mask, &mask);
  }
}

} // namespace torc::detail
