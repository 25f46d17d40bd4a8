// SPDX-License-Identifier: MIT
// expect: E must be shippable
#include <stdexcept>
#include <torc/torc.hpp>

#ifdef TORC_CONTROL
struct my_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
#else
struct my_error : std::runtime_error {
  explicit my_error(int) : std::runtime_error("a number") {}
};
#endif

inline const torc::known_exception<my_error> my_error_is_known;
