// SPDX-License-Identifier: MIT
// expect: give it a Boost serialize function or specialise torc::codec
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <torc/torc.hpp>
#include <vector>

class with_serialize {
public:
  template <class Archive>
  void serialize(Archive& ar, unsigned) {
    ar& x_;
  }

private:
  int x_ = 0;
};
class without {
public:
  explicit without(int x) : x_(x) {}
  int x() const { return x_; }

private:
  int x_;
};
#ifdef TORC_CONTROL
using type = with_serialize;
#else
using type = without;
#endif

void g() { torc::detail::require_shippable<type>(); }
