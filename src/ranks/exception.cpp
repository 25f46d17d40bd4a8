// SPDX-License-Identifier: MIT
#include "ranks/exception.hpp"

#include <any>
#include <cxxabi.h>
#include <filesystem>
#include <functional>
#include <future>
#include <ios>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <regex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <torc/remote_error.hpp>
#include <torc/stop.hpp>
#include <typeinfo>
#include <utility>
#include <variant>
#include <vector>

#include "scheduler/code_name.hpp"
#include "scheduler/exception_view.hpp"

namespace torc::detail {
namespace {

/// How the standard library's exceptions and ours become bytes; most are their text.
template <class E>
struct bytes_of {
  static void save(writer& w, const E& e) { save_value<std::string>(w, e.what()); }
  static E load(reader& r) { return E(load_value<std::string>(r)); }
};

/// Goes before all of these.
template <>
struct bytes_of<origin> {
  static void save(writer& w, const origin& from) {
    w.put(from.rank());
    save_value<std::string>(w, from.host());
    w.put(std::uint64_t{origin_access::place(from)});
  }
  static origin load(reader& r) {
    const int rank = r.get<int>();
    origin from(rank, load_value<std::string>(r));
    origin_access::place(from) = r.get<std::uint64_t>();
    return from;
  }
};

/// An error code of a category that every rank has.
template <>
struct bytes_of<std::error_code> {
  static const std::error_category* category(std::uint8_t i) {
    const std::error_category* const all[] = {&std::generic_category(), &std::system_category(),
                                              &std::iostream_category(), &std::future_category()};
    return i < std::size(all) ? all[i] : nullptr;
  }
  static void save(writer& w, const std::error_code& code) {
    for (std::uint8_t i = 0; const std::error_category* c = category(i); ++i) {
      if (*c == code.category()) {
        w.put(i);
        w.put(code.value());
        return;
      }
    }
    throw std::invalid_argument("an error category that is not the standard library's");
  }
  static std::error_code load(reader& r) {
    const std::error_category* c = category(r.get<std::uint8_t>());
    if (c == nullptr) {
      throw bad_message("torc: a received error code is of no known category");
    }
    return {r.get<int>(), *c};
  }
};

/// system_error and ios_base::failure, whose texts end in that of the code.
template <class E>
requires std::is_base_of_v<std::system_error, E>
struct bytes_of<E> {
  static void save(writer& w, const E& e) {
    std::string what = e.what();
    const std::string suffix = ": " + e.code().message();
    if (what.ends_with(suffix)) {
      what.resize(what.size() - suffix.size());
    } else if (what == e.code().message()) {
      what.clear();
    }
    bytes_of<std::error_code>::save(w, e.code());
    save_value<std::string>(w, what);
  }
  static E load(reader& r) {
    const auto code = bytes_of<std::error_code>::load(r);
    const auto what = load_value<std::string>(r);
    if constexpr (std::is_constructible_v<E, std::error_code, std::string>) {
      return what.empty() ? E(code) : E(code, what);
    } else {
      return E(what, code);
    }
  }
};

/// What it says is made of these.
template <>
struct bytes_of<std::filesystem::filesystem_error> {
  using error = std::filesystem::filesystem_error;
  static void save(writer& w, const error& e) {
    bytes_of<std::error_code>::save(w, e.code());
    save_value<std::string>(w, what_was_given(e));
    save_value<std::string>(w, e.path1().native());
    save_value<std::string>(w, e.path2().native());
  }
  static error load(reader& r) {
    const auto code = bytes_of<std::error_code>::load(r);
    const auto what = load_value<std::string>(r), path1 = load_value<std::string>(r);
    const auto path2 = load_value<std::string>(r);
    return !path2.empty()   ? error(what, path1, path2, code)
           : !path1.empty() ? error(what, path1, code)
                            : error(what, code);
  }
  /// libstdc++ makes of it "filesystem error: WHAT: CODE [PATH1] [PATH2]".
  static std::string what_was_given(const error& e) {
    const std::string_view all = e.what(), begin = "filesystem error: ";
    const std::size_t end = all.rfind(": " + e.code().message());
    return std::string(all.starts_with(begin) && end != all.npos && end >= begin.size()
                           ? all.substr(begin.size(), end - begin.size())
                           : all);
  }
};

template <>
struct bytes_of<std::regex_error> {
  static void save(writer& w, const std::regex_error& e) { w.put(static_cast<int>(e.code())); }
  static std::regex_error load(reader& r) {
    return std::regex_error(static_cast<std::regex_constants::error_type>(r.get<int>()));
  }
};

template <>
struct bytes_of<std::future_error> {
  static void save(writer& w, const std::future_error& e) { w.put(e.code().value()); }
  static std::future_error load(reader& r) {
    return std::future_error(static_cast<std::future_errc>(r.get<int>()));
  }
};

void save_remote_error(writer& w, const std::string& what, const std::string& type_name) {
  save_value<std::string>(w, what);
  save_value<std::string>(w, type_name);
}

template <class E>
constexpr exception_codec exact{
    [](writer& w, const std::exception_ptr& p) {
      try {
        std::rethrow_exception(p);
      } catch (const E& e) {
        bytes_of<E>::save(w, e);
      }
    },
    [](reader& r, const origin& from, const std::exception_ptr& nested) {
      return as_exception(bytes_of<E>::load(r), from, nested);
    }};

/// Its text and that of its type.
template <>
constexpr exception_codec exact<remote_error>{
    [](writer& w, const std::exception_ptr& p) {
      try {
        std::rethrow_exception(p);
      } catch (const remote_error& e) {
        save_remote_error(w, e.what(), e.type_name());
      }
    },
    [](reader& r, const origin& from, const std::exception_ptr& nested) {
      const auto what = load_value<std::string>(r);
      return thrown(remote_error(what, load_value<std::string>(r), from), nested);
    }};

/// Of these there is nothing to tell but that they are.
template <class E>
constexpr exception_codec plain{[](writer&, const std::exception_ptr&) {},
                                [](reader&, const origin& from, const std::exception_ptr& nested) {
                                  return as_exception(E(), from, nested);
                                }};

/// By name, because a type may have more than one std::type_info if libraries are loaded.
using known_exceptions = std::map<std::string, exception_codec, std::less<>>;

struct known_table {
  std::mutex mutex;
  known_exceptions map;

  template <class... Es>
  void add() {
    (map.emplace(typeid(Es).name(), exact<Es>), ...);
  }
  template <class... Es>
  void add_plain() {
    (map.emplace(typeid(Es).name(), plain<Es>), ...);
  }
  known_table() {
    add<std::logic_error, std::invalid_argument, std::domain_error, std::length_error,
        std::out_of_range, std::runtime_error, std::range_error, std::overflow_error,
        std::underflow_error, std::system_error, std::ios_base::failure, std::future_error,
        std::filesystem::filesystem_error, std::regex_error, bad_message, remote_error,
        timed_out>();
    add_plain<std::exception, std::bad_exception, std::bad_alloc, std::bad_array_new_length,
              std::bad_cast, std::bad_any_cast, std::bad_typeid, std::bad_optional_access,
              std::bad_variant_access, std::bad_function_call, std::bad_weak_ptr, cancelled>();
  }
};

/// Never destroyed: exceptions may travel until the very end.
known_table& known() {
  static auto& table = *new known_table;
  return table;
}

std::optional<exception_codec> find_known(std::string_view name) {
  known_table& table = known();
  const std::lock_guard locked(table.mutex);
  const auto i = table.map.find(name);
  return i == table.map.end() ? std::nullopt : std::optional(i->second);
}

/// Of a longer chain of nested exceptions the innermost are left out.
constexpr std::size_t max_chain = 100;

void save_one(writer& w, const std::exception_ptr& p, const exception_view& v, const origin& here) {
  const auto begin = [&](const std::string& type) {
    save_value<std::string>(w, type);
    bytes_of<origin>::save(w, v.from.value_or(here));
  };
  const std::size_t size = w.bytes().size();
  const std::size_t blocks = w.blocks().size();
  if (const auto codec = find_known(v.type)) {
    try {
      begin(v.type);
      codec->save(w, p);
      return;
    } catch (...) {
      w.truncate(size, blocks);
    }
  }
  begin(typeid(remote_error).name());
  save_remote_error(w, v.what, demangled(v.type));
}

std::exception_ptr load_one(reader& r, const std::exception_ptr& nested) {
  const auto codec = find_known(load_value<std::string>(r));
  if (!codec) {
    throw bad_message("torc: a received exception is of a type that is not known here");
  }
  const origin from = bytes_of<origin>::load(r);
  return codec->load(r, from, nested);
}

} // namespace

// The innermost exception goes first, as it must exist when another is to be put around it.
void save_exception(writer& w, const std::exception_ptr& e, int rank, std::string_view host) {
  std::vector<std::pair<std::exception_ptr, exception_view>> chain;
  for (std::exception_ptr p = e; p && chain.size() < max_chain;) {
    exception_view v(p);
    std::exception_ptr nested = v.nested;
    chain.emplace_back(std::move(p), std::move(v));
    p = std::move(nested);
  }
  const inline_section section(w); // the exception may be gone when a block is sent
  w.put(static_cast<std::uint8_t>(chain.size()));
  const origin here(rank, std::string(host));
  for (auto i = chain.rbegin(); i != chain.rend(); ++i) {
    save_one(w, i->first, i->second, here);
  }
}

void note_place(const std::exception_ptr& e, std::uintptr_t place) noexcept {
  try {
    std::rethrow_exception(e);
  } catch (const origin& from) {
    if (origin_access::place(from) == 0) {
      origin_access::place(from) = place;
    }
  } catch (...) {
  }
}

std::exception_ptr load_exception(reader& r) {
  const inline_section section(r);
  const std::size_t n = r.get<std::uint8_t>();
  if (n == 0 || n > max_chain) {
    throw bad_message("torc: a received exception is none");
  }
  std::exception_ptr e;
  for (std::size_t i = 0; i < n; ++i) {
    e = load_one(r, e);
  }
  return e;
}

void add_known_exception(const std::type_info& type, const exception_codec& codec) {
  known_table& table = known();
  const std::lock_guard locked(table.mutex);
  table.map.insert_or_assign(type.name(), codec);
}

} // namespace torc::detail
