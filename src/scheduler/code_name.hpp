// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <torc/detail/platform.hpp>

namespace torc::detail {

/// Where code is in the program: the same in all processes of it. For code of a library it is
/// another number in each process, beyond the end of the program.
std::uintptr_t program_offset(any_function code) noexcept;

/// The same for the place a call returns to; 0 for null.
std::uintptr_t place_offset(const void* place) noexcept;

/// A name of a type or function as in a C++ program; one that is none stays.
std::string demangled(const std::string& mangled);

/// The name of the function there, such as "fib(int)", from the symbol table of the program's file;
/// without one (a stripped program) "program+0x1234". Slow.
std::string code_name(std::uintptr_t offset);

/// The same with how far into the function a place is, as debuggers take it: "solve()+0x1f".
std::string place_name(std::uintptr_t offset);
/// For the end of a line: ", submitted in solve()+0x1f"; nothing for 0.
std::string submitted_in(std::uintptr_t offset);

} // namespace torc::detail
