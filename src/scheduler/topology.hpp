// SPDX-License-Identifier: MIT
#pragma once

#include <bitset>
#include <memory>
#include <vector>

namespace torc::detail {

struct worker;

/// Cores, by the numbers that the system gives them; Linux has at most so many.
using core_set = std::bitset<8192>;

/// Those on which the calling thread may run; none if the system does not say.
core_set allowed_cores() noexcept;

/// From now on the calling thread runs on these only. False, with errno: it may not.
bool bind_to(const core_set& cores) noexcept;

/// The core of each of so many workers: those of the calling thread in turn, but for the first
/// `taken`. None if the system does not say.
std::vector<int> share_out_cores(std::size_t workers, std::size_t taken);

/// Fills every worker's list of victims, nearest first, worker i being on core i of the list: those
/// that share a cache, then those of the same NUMA node, then the rest; among equals beginning with
/// the next one in order.
void order_victims(const std::vector<std::unique_ptr<worker>>& workers,
                   const std::vector<int>& cores);

} // namespace torc::detail
