// SPDX-License-Identifier: MIT
#pragma once

#include <charconv>
#include <string_view>

/// The number that is the program's only argument, `otherwise` without one, -1 if it is no number
/// from 0 on.
inline long number_argument(int argc, char** argv, long otherwise) {
  if (argc < 2) return otherwise;
  const std::string_view text = argv[1];
  long number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = argc == 2 && error == std::errc() && end == text.data() + text.size();
  return whole ? number : -1;
}
