// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <vector>

namespace torc::detail {

struct worker;

/// Fills every worker's list of victims, nearest first: those that share a cache, then those of
/// the same NUMA node, then the rest; among equals beginning with the next one in order.
void order_victims(const std::vector<std::unique_ptr<worker>>& workers);

/// Binds the calling thread to the core of worker `id`.
void bind_to_core(int id) noexcept;

} // namespace torc::detail
