// SPDX-License-Identifier: MIT
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <torc/bytes.hpp>

namespace torc::detail {

/// Appends what `load_exception` needs to make the exception again, with those nested in it. Their
/// origin, if they have none, is this rank and host. Of a type that does not travel, or whose
/// `save` fails, it appends a `remote_error`. Throws nothing but std::bad_alloc.
void save_exception(writer& w, const std::exception_ptr& e, int rank, std::string_view host);

/// An exception of another rank that does not know yet where its task was submitted is told.
void note_place(const std::exception_ptr& e, std::uintptr_t place) noexcept;

/// The exception again, never null. Throws `bad_message` if the bytes are none.
std::exception_ptr load_exception(reader& r);

} // namespace torc::detail
