// SPDX-License-Identifier: MIT
// expect: only if it has a default and a move constructor
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <torc/torc.hpp>
#include <vector>

struct with_default {
  with_default() = default;
  explicit with_default(int v) : x(v) {}
  template <class Archive>
  void serialize(Archive& ar, unsigned) {
    ar& x;
  }
  int x = 0;
};
struct without_default {
  explicit without_default(int v) : x(v) {}
  template <class Archive>
  void serialize(Archive& ar, unsigned) {
    ar& x;
  }
  int x;
};
#ifdef TORC_CONTROL
using type = with_default;
#else
using type = without_default;
#endif

void g() { torc::detail::require_shippable<type>(); }
