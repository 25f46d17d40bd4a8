// SPDX-License-Identifier: MIT
#include "scheduler/topology.hpp"

#include <algorithm>
#include <hwloc.h>
#include <sched.h>
#include <utility>

#include "scheduler/worker.hpp"

namespace torc::detail {
namespace {

/// As the system calls have a `core_set`.
using mask_type = cpu_set_t[core_set().size() / CPU_SETSIZE];

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
    if (!loaded_) {
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

core_set allowed_cores() noexcept {
  core_set cores;
  mask_type mask;
  if (sched_getaffinity(0, sizeof mask, mask) == 0) {
    for (std::size_t c = 0; c < cores.size(); ++c) {
      cores[c] = CPU_ISSET_S(c, sizeof mask, mask);
    }
  }
  return cores;
}

bool bind_to(const core_set& cores) noexcept {
  mask_type mask;
  CPU_ZERO_S(sizeof mask, mask);
  for (std::size_t c = 0; c < cores.size(); ++c) {
    if (cores[c]) {
      CPU_SET_S(c, sizeof mask, mask);
    }
  }
  return sched_setaffinity(0, sizeof mask, mask) == 0;
}

std::vector<int> share_out_cores(std::size_t workers, std::size_t taken) {
  const core_set allowed = allowed_cores();
  std::vector<int> all, cores;
  for (std::size_t c = 0; c < allowed.size(); ++c) {
    if (allowed[c]) {
      all.push_back(static_cast<int>(c));
    }
  }
  for (std::size_t i = 0; !all.empty() && i < workers; ++i) {
    cores.push_back(all[(taken + i) % all.size()]);
  }
  return cores;
}

void order_victims(const std::vector<std::unique_ptr<worker>>& workers,
                   const std::vector<int>& cores) {
  const std::size_t n = workers.size();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t step = 1; step < n; ++step) {
      workers[i]->victims.push_back(workers[(i + step) % n].get());
    }
  }
  if (n <= 2 || cores.empty()) {
    return; // nothing to order, so do not pay for discovering the machine
  }
  const nearness near;
  const auto core_of = [&](const worker& w) { return cores[static_cast<std::size_t>(w.id)]; };
  for (const auto& w : workers) {
    const auto distance = [&](const worker* v) {
      const int step = v->id > w->id ? v->id - w->id : v->id - w->id + static_cast<int>(n);
      return std::pair(-near(core_of(*w), core_of(*v)), step);
    };
    std::sort(w->victims.begin(), w->victims.end(),
              [&](const worker* a, const worker* b) { return distance(a) < distance(b); });
  }
}

} // namespace torc::detail
