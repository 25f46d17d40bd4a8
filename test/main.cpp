// SPDX-License-Identifier: MIT
// The main of every test program, whether ctest or a person starts it.

#include <cstdlib>
#include <gtest/gtest.h>

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  setenv("TORC_WORKERS", "2", 0);
  // The default style forks, and a fork of a process with threads may hang.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  return RUN_ALL_TESTS();
}
