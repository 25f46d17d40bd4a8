// SPDX-License-Identifier: MIT
#include "scheduler/exception_view.hpp"

#include <cxxabi.h>
#include <string_view>
#include <typeinfo>
#include <utility>

#include "scheduler/code_name.hpp"

namespace torc {

origin::origin(int rank, std::string host)
    : facts_(std::make_shared<facts>(facts{rank, std::move(host)})) {}

std::string origin::submitted_in() const {
  return facts_->place == 0 ? "" : detail::place_name(facts_->place);
}

remote_error::remote_error(const std::string& what, std::string type_name, const origin& from)
    : std::runtime_error(what),
      origin(from),
      type_name_(std::make_shared<const std::string>(std::move(type_name))) {}

namespace detail {
namespace {

/// What is thrown by std::throw_with_nested(E()) has a type of the library's own, of this name.
constexpr std::string_view nested_prefix = "St17_Nested_exceptionI";

std::string_view without_nested(std::string_view name) {
  if (name.starts_with(nested_prefix) && name.ends_with('E')) {
    name.remove_prefix(nested_prefix.size());
    name.remove_suffix(1);
    if (name.starts_with('K')) { // of a constant object, libstdc++ keeps the const
      name.remove_prefix(1);
    }
  }
  return name;
}

} // namespace

template <class E>
void exception_view::look_at(const E& e) {
  type = without_nested(typeid(e).name());
  if (const auto* n = dynamic_cast<const std::nested_exception*>(&e)) {
    nested = n->nested_ptr();
  }
  if (const auto* o = dynamic_cast<const origin*>(&e)) {
    from = *o;
    if (const std::type_info* thrown = origin_access::thrown_type(*o)) {
      type = thrown->name();
    }
  }
}

exception_view::exception_view(const std::exception_ptr& p) {
  try {
    std::rethrow_exception(p);
  } catch (const std::exception& e) {
    look_at(e);
    what = e.what();
  } catch (const origin& e) {
    look_at(e);
  } catch (const std::nested_exception& e) {
    look_at(e);
  } catch (...) {
    if (const std::type_info* thrown = abi::__cxa_current_exception_type()) {
      type = thrown->name();
    }
  }
  if (what.empty()) {
    what = "an exception of type " + (type.empty() ? "unknown" : demangled(type));
  }
}

std::string text_of(const std::exception_ptr& e) {
  const exception_view v(e);
  std::string text = demangled(v.type) + ": " + v.what;
  if (v.from) {
    text += ", thrown on rank " + std::to_string(v.from->rank()) + " on " + v.from->host();
  }
  return text;
}

} // namespace detail
} // namespace torc
