// SPDX-License-Identifier: MIT
#pragma once

namespace soak {

/// Runs the program of that seed with torc, as the calling task, and compares what becomes of each
/// of its tasks with the model. A difference ends the process with a line that has the seed.
void run_program(unsigned long seed);

} // namespace soak
