// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <torc/detail/platform.hpp>

namespace torc::detail {

/// Where code is in the program: the same in all processes of it. For code of a library it is
/// another number in each process, beyond the end of the program.
std::uintptr_t program_offset(any_function code) noexcept;

/// The name of the function there, such as "fib(int)", from the symbol table of the program's file;
/// without one (a stripped program) "program+0x1234". Slow.
std::string code_name(std::uintptr_t offset);

} // namespace torc::detail
