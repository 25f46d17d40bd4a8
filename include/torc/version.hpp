// SPDX-License-Identifier: MIT
#pragma once

// The one place that holds the version: CMakeLists.txt reads these three lines.
#define TORC_VERSION_MAJOR 0
#define TORC_VERSION_MINOR 1
#define TORC_VERSION_PATCH 0

#define TORC_DETAIL_QUOTE(text) #text
#define TORC_DETAIL_VERSION(major, minor, patch)                                                   \
  TORC_DETAIL_QUOTE(major) "." TORC_DETAIL_QUOTE(minor) "." TORC_DETAIL_QUOTE(patch)

namespace torc {

/// The version of these headers as "MAJOR.MINOR.PATCH" (semantic versioning).
inline constexpr const char* version =
    TORC_DETAIL_VERSION(TORC_VERSION_MAJOR, TORC_VERSION_MINOR, TORC_VERSION_PATCH);

} // namespace torc

#undef TORC_DETAIL_VERSION
#undef TORC_DETAIL_QUOTE
