// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>

/// Prints the most memory that this process has had (VmHWM: not the figure of getrusage, which a
/// process inherits from the one that started it).
inline void print_peak_memory() {
  std::FILE* status = std::fopen("/proc/self/status", "r");
  if (status == nullptr) return;
  char line[256];
  long kilobytes = 0;
  while (std::fgets(line, sizeof line, status) != nullptr)
    if (std::sscanf(line, "VmHWM: %ld kB", &kilobytes) == 1)
      std::printf("VmHWM %ld kB\n", kilobytes);
  std::fclose(status);
}
