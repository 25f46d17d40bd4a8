// SPDX-License-Identifier: MIT
#pragma once

namespace torc::detail {

class scheduler;

/// A line per worker on stderr, after the workers have ended.
void print_statistics(const scheduler& s);

} // namespace torc::detail
