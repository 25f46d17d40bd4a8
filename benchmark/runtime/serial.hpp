// SPDX-License-Identifier: MIT
#pragma once

#include "../main.hpp"

namespace bench {

inline int run() { return run_all(); }

} // namespace bench
