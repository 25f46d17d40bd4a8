// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

namespace torc::detail {

struct rank_statistics;
class scheduler;

/// A line per worker on stderr, after the workers have ended.
void print_statistics(const scheduler& s);
/// A line per rank.
void print_statistics(const std::vector<rank_statistics>& ranks);

} // namespace torc::detail
