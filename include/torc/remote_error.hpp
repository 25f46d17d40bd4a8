// SPDX-License-Identifier: MIT
#pragma once

// Exceptions between ranks: the standard library's keep their type, and so do those made known by
// `known_exception`; of all others a `remote_error` tells. All of them tell their `origin`.

#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <torc/shippable.hpp>
#include <typeinfo>

namespace torc {

namespace detail {
struct origin_access;
} // namespace detail

/// Where an exception that has come from another rank was thrown, and stays when it travels on.
/// Such an exception is an object of its own class and of this one, as it may be one of
/// std::nested_exception: `catch (const E&)` finds it, and `origin_of`, or `catch (const origin&)`,
/// what is told here. An E that is final has none. Copies do not throw.
class origin {
public:
  origin(int rank, std::string host);
  origin(const origin&) noexcept = default;
  origin& operator=(const origin&) noexcept = default;
  virtual ~origin() = default;

  /// Where it was thrown.
  int rank() const noexcept { return facts_->rank; }
  /// The name of that rank's host.
  const std::string& host() const noexcept { return facts_->host; }
  /// Where its task was submitted: a function and how far into it, as debuggers take it, such as
  /// "solve()+0x1f". Empty if the task was spawned. Slow.
  std::string submitted_in() const;

private:
  struct facts {
    int rank;
    std::string host;
    std::uintptr_t place = 0; ///< as an offset from the program's beginning; 0: not known
  };
  /// The type that the exception was thrown with, if this object's class only adds the origin.
  virtual const std::type_info* thrown_type() const noexcept { return nullptr; }

  friend struct detail::origin_access;
  std::shared_ptr<facts> facts_;
};

/// Null if the exception was thrown on this rank. Valid as long as the exception.
inline const origin* origin_of(const std::exception& e) noexcept {
  return dynamic_cast<const origin*>(&e);
}

/// An exception of another rank whose type cannot travel. `what()` is the exception's own; of an
/// exception without such a text, it names the type.
class remote_error : public std::runtime_error, public origin {
public:
  remote_error(const std::string& what, std::string type_name, const origin& from);

  /// The exception's type, as in a C++ program.
  const std::string& type_name() const noexcept { return *type_name_; }

private:
  std::shared_ptr<const std::string> type_name_; // copying an exception must not throw
};

namespace detail {

/// How exceptions of one type travel; no blocks are made.
struct exception_codec {
  void (*save)(writer& w, const std::exception_ptr& e);
  /// `nested` may be null.
  std::exception_ptr (*load)(reader& r, const origin& from, const std::exception_ptr& nested);
};

void add_known_exception(const std::type_info& type, const exception_codec& codec);

/// An exception that keeps its type, and tells where it is from.
template <class E>
class with_origin : public E, public origin {
public:
  with_origin(E e, const origin& from) : E(std::move(e)), origin(from) {}

private:
  const std::type_info* thrown_type() const noexcept override { return &typeid(E); }
};

/// `e` as if thrown by std::throw_with_nested while `nested` was handled, or alone if it is null.
template <class E>
std::exception_ptr thrown(E e, const std::exception_ptr& nested) {
  try {
    if (!nested) {
      throw std::move(e);
    }
    try {
      std::rethrow_exception(nested);
    } catch (...) {
      std::throw_with_nested(std::move(e));
    }
  } catch (...) {
    return std::current_exception();
  }
}

template <class E>
std::exception_ptr as_exception(E e, const origin& from, const std::exception_ptr& nested) {
  if constexpr (std::is_final_v<E> || std::is_base_of_v<origin, E>) {
    return thrown(std::move(e), nested);
  } else {
    return thrown(with_origin<E>(std::move(e), from), nested);
  }
}

template <class E>
struct exception_traits {
  static constexpr bool by_text =
      !shippable<E> && std::is_base_of_v<std::exception, E> &&
      (std::is_constructible_v<E, const std::string&> || std::is_constructible_v<E, const char*>);

  static void save(writer& w, const std::exception_ptr& p) {
    try {
      std::rethrow_exception(p);
    } catch (const E& e) {
      if constexpr (by_text) {
        save_value<std::string>(w, e.what());
      } else {
        save_value<E>(w, e);
      }
    }
  }
  static std::exception_ptr load(reader& r, const origin& from, const std::exception_ptr& nested) {
    if constexpr (!by_text) {
      return as_exception(load_value<E>(r), from, nested);
    } else if constexpr (std::is_constructible_v<E, const std::string&>) {
      return as_exception(E(load_value<std::string>(r)), from, nested);
    } else {
      return as_exception(E(load_value<std::string>(r).c_str()), from, nested);
    }
  }
  static constexpr exception_codec codec{&save, &load};
};

} // namespace detail

/// Makes exceptions of exactly type E keep their type between ranks. One line behind the class,
/// in a header or source file that is part of the program on all ranks:
///
///     inline const torc::known_exception<my_error> my_error_is_known;
///
/// E must be shippable, or else a std::exception that can be made of its `what()`: then that is all
/// that travels. A class derived from E has to be made known itself.
template <class E>
class known_exception {
  static_assert(std::is_class_v<E> && (shippable<E> || detail::exception_traits<E>::by_text),
                "torc::known_exception<E>: E must be shippable (give it a Boost serialize function "
                "or specialise torc::codec), or a std::exception with a constructor from its text");

public:
  known_exception() { detail::add_known_exception(typeid(E), detail::exception_traits<E>::codec); }
};

} // namespace torc
