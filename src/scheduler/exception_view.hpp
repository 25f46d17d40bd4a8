// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <torc/remote_error.hpp>

namespace torc::detail {

/// What can be seen of an exception.
struct exception_view {
  explicit exception_view(const std::exception_ptr& p);

  std::string type;          ///< as in its std::type_info, without what nests it or adds its origin
  std::string what;          ///< its text
  std::exception_ptr nested; ///< what is nested in it
  std::optional<origin> from; ///< of another rank's

private:
  template <class E>
  void look_at(const E& e);
};

/// "type: what()", and where it was thrown, if that was on another rank.
std::string text_of(const std::exception_ptr& e);

struct origin_access {
  /// Where the task of such an exception was submitted; its copies see it change.
  static std::uintptr_t& place(const origin& from) noexcept { return from.facts_->place; }
  static const std::type_info* thrown_type(const origin& e) noexcept { return e.thrown_type(); }
};

} // namespace torc::detail
