// SPDX-License-Identifier: MIT
#pragma once

// Code and constants of the program in another process of the same program, where they are at
// another address: a module, and an offset in it.

#include <cstdint>
#include <string_view>
#include <torc/bytes.hpp>
#include <torc/detail/platform.hpp>
#include <typeinfo>

namespace torc::detail {

struct remote_task;

/// What a rank must know to run a task that another has sent: a constant object of the program,
/// which has no name to look for but vouches for itself.
struct remote_type {
  static constexpr std::uint64_t expected_magic = 0x9ae1'6a3b'2f90'404f;

  const remote_type* self; ///< its own address
  std::uint64_t magic;     ///< `expected_magic`
  remote_task* (*load)(reader&);
  const char* (*name)();
};

/// Equal in two processes if they run the same program.
std::uint64_t binary_identity();

/// A constant object of the program. Throws std::runtime_error if it is none, as in memory that
/// was allocated.
void save_remote_type(writer& w, const remote_type& t);
/// The same object in this process. Throws `bad_message` if there is none.
const remote_type& load_remote_type(reader& r);

/// A function of the program or of a library it has loaded, or null. Throws std::runtime_error for
/// other code. `signature` stands for its type.
void save_function(writer& w, any_function f, std::uint64_t signature);
/// The same function in this process. Throws `bad_message` if the bytes are not what
/// `save_function` has made of a function of this type.
any_function load_function(reader& r, std::uint64_t signature);

/// A hash (FNV-1a) of a text.
constexpr std::uint64_t hash_text(std::string_view text) noexcept {
  std::uint64_t h = 0xcbf2'9ce4'8422'2325;
  for (const char c : text) {
    h = (h ^ static_cast<unsigned char>(c)) * 0x100'0000'01b3;
  }
  return h;
}

/// Stands for the type T, the same in all processes of a program.
template <class T>
std::uint64_t signature_of() noexcept {
  static const std::uint64_t hash = hash_text(typeid(T).name());
  return hash;
}

} // namespace torc::detail
