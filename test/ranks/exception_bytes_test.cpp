// SPDX-License-Identifier: MIT
#include <any>
#include <filesystem>
#include <functional>
#include <future>
#include <gtest/gtest.h>
#include <ios>
#include <new>
#include <optional>
#include <regex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <torc/remote_error.hpp>
#include <torc/stop.hpp>
#include <typeinfo>
#include <variant>

#include "ranks/exception.hpp"
#include "scheduler/exception_view.hpp"

namespace app {

/// Made of its text.
class disk_full : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};
inline const torc::known_exception<disk_full> disk_full_is_known;

class last_word final : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};
const torc::known_exception<last_word> last_word_is_known;

/// With more to tell, by Boost.
class bad_line : public std::exception {
public:
  bad_line() = default;
  explicit bad_line(int line) : line_(line) {}
  const char* what() const noexcept override { return "bad line"; }
  int line() const { return line_; }

private:
  friend class boost::serialization::access;
  template <class Archive>
  void serialize(Archive& ar, unsigned) {
    ar& line_;
  }
  int line_ = 0;
};
const torc::known_exception<bad_line> bad_line_is_known;

/// No std::exception, an aggregate.
struct stop {
  int code;
  std::string why;
};
const torc::known_exception<stop> stop_is_known;

/// Fails to travel.
struct stubborn : std::exception {
  const char* what() const noexcept override { return "stubborn"; }
};

class unknown : public std::out_of_range {
public:
  using std::out_of_range::out_of_range;
};
struct unknown_too {};

} // namespace app

template <>
struct torc::codec<app::stubborn> {
  static void save(writer& w, const app::stubborn&) {
    w.put(1);
    throw std::runtime_error("no");
  }
  static app::stubborn load(reader&) { return {}; }
};
const torc::known_exception<app::stubborn> stubborn_is_known;

namespace {

std::exception_ptr trip(const std::exception_ptr& e, int rank = 3, const char* host = "host") {
  torc::writer w;
  torc::detail::save_exception(w, e, rank, host);
  EXPECT_TRUE(w.blocks().empty());
  torc::reader r(w.bytes());
  std::exception_ptr back = torc::detail::load_exception(r);
  r.expect_end();
  return back;
}
template <class E>
std::exception_ptr trip_of(const E& e) {
  return trip(std::make_exception_ptr(e));
}

/// The exception in `p`, if it is an E, and none of a type derived from it but for its origin.
template <class E>
E get(const std::exception_ptr& p) {
  EXPECT_EQ(torc::detail::exception_view(p).type, typeid(E).name());
  try {
    std::rethrow_exception(p);
  } catch (const E& e) {
    return e;
  }
}

/// "host:rank" of where it was thrown, if that was another rank.
std::string from(const std::exception_ptr& p) {
  try {
    std::rethrow_exception(p);
  } catch (const torc::origin& o) {
    return o.host() + ":" + std::to_string(o.rank());
  } catch (...) {
    return "here";
  }
}

template <class E>
void expect_kept(const E& e) {
  const std::exception_ptr once = trip_of(e), twice = trip(once, 5, "other");
  EXPECT_STREQ(get<E>(once).what(), e.what());
  EXPECT_STREQ(get<E>(twice).what(), e.what());
  EXPECT_EQ(from(once), "host:3");
  EXPECT_EQ(from(twice), "host:3");
}
template <class... Es>
void expect_text_kept() {
  (expect_kept(Es("some text")), ...);
}
template <class... Es>
void expect_kept() {
  (expect_kept(Es()), ...);
}

TEST(exception_bytes, the_standard_ones_keep_their_type) {
  expect_text_kept<std::logic_error, std::invalid_argument, std::domain_error, std::length_error,
                   std::out_of_range, std::runtime_error, std::range_error, std::overflow_error,
                   std::underflow_error, torc::bad_message>();
  expect_kept<std::exception, std::bad_exception, std::bad_alloc, std::bad_array_new_length,
              std::bad_cast, std::bad_any_cast, std::bad_typeid, std::bad_optional_access,
              std::bad_variant_access, std::bad_function_call, std::bad_weak_ptr>();
}

TEST(exception_bytes, error_codes) {
  const std::system_error e(std::make_error_code(std::errc::no_space_on_device), "writing");
  EXPECT_EQ(get<std::system_error>(trip_of(e)).code(), e.code());
  EXPECT_STREQ(get<std::system_error>(trip_of(e)).what(), e.what());
  const std::system_error bare(5, std::system_category());
  EXPECT_EQ(get<std::system_error>(trip_of(bare)).code(), bare.code());
  EXPECT_STREQ(get<std::system_error>(trip_of(bare)).what(), bare.what());
  const std::ios_base::failure f("reading");
  EXPECT_EQ(get<std::ios_base::failure>(trip_of(f)).code(), f.code());
  EXPECT_STREQ(get<std::ios_base::failure>(trip_of(f)).what(), f.what());
  namespace fs = std::filesystem;
  const auto no_file = std::make_error_code(std::errc::no_such_file_or_directory);
  for (const fs::filesystem_error& x :
       {fs::filesystem_error("reading", no_file), fs::filesystem_error("reading", "/a", no_file),
        fs::filesystem_error("copying: a lot", "/a", "/b", no_file)}) {
    const auto y = get<fs::filesystem_error>(trip_of(x));
    EXPECT_EQ(y.code(), x.code());
    EXPECT_EQ(y.path1(), x.path1());
    EXPECT_EQ(y.path2(), x.path2());
    EXPECT_STREQ(y.what(), x.what());
  }
  const std::regex_error r(std::regex_constants::error_brack);
  EXPECT_EQ(get<std::regex_error>(trip_of(r)).code(), r.code());
  const std::future_error g(std::future_errc::no_state);
  EXPECT_EQ(get<std::future_error>(trip_of(g)).code(), g.code());
}

struct my_category : std::error_category {
  const char* name() const noexcept override { return "mine"; }
  std::string message(int) const override { return "my message"; }
};

TEST(exception_bytes, an_error_code_of_another_category_is_told_of) {
  const my_category mine;
  const auto e = get<torc::remote_error>(trip_of(std::system_error(1, mine, "doing")));
  EXPECT_STREQ(e.what(), "doing: my message");
  EXPECT_EQ(e.type_name(), "std::system_error");
}

TEST(exception_bytes, known_ones_keep_their_type) {
  EXPECT_STREQ(get<app::disk_full>(trip_of(app::disk_full("/tmp"))).what(), "/tmp");
  EXPECT_EQ(get<app::bad_line>(trip_of(app::bad_line(7))).line(), 7);
  const auto s = get<app::stop>(trip_of(app::stop{3, std::string(100'000, 'x')}));
  EXPECT_EQ(s.code, 3);
  EXPECT_EQ(s.why, std::string(100'000, 'x'));
  EXPECT_EQ(from(trip_of(app::disk_full("/tmp"))), "host:3");
  EXPECT_EQ(from(trip_of(app::stop{3, ""})), "host:3");
}

/// Their mangled names are abbreviated within that of a template of torc's.
TEST(exception_bytes, known_ones_of_torc_keep_their_type_twice) {
  const auto twice = trip(trip_of(torc::timed_out("late")), 5, "other");
  EXPECT_STREQ(get<torc::timed_out>(twice).what(), "late");
  EXPECT_EQ(from(twice), "host:3");
}

TEST(exception_bytes, final_ones_and_cancelled_have_no_origin) {
  EXPECT_EQ(get<app::last_word>(trip_of(app::last_word("x"))).what(), std::string("x"));
  EXPECT_EQ(from(trip_of(app::last_word("x"))), "here");
  EXPECT_EQ(from(trip_of(torc::cancelled())), "here");
}

TEST(exception_bytes, an_exception_thrown_on_has_another_origin) {
  std::exception_ptr p;
  try {
    std::rethrow_exception(trip_of(app::disk_full("/tmp")));
  } catch (const app::disk_full& e) {
    EXPECT_EQ(torc::origin_of(e)->rank(), 3);
    EXPECT_EQ(torc::origin_of(e)->submitted_in(), "");
    p = std::make_exception_ptr(e); // a copy of that part of it
  }
  EXPECT_EQ(from(p), "here");
  EXPECT_EQ(from(trip(p, 5, "other")), "other:5");
}

TEST(exception_bytes, a_text_of_it_tells_the_origin) {
  const std::exception_ptr e = std::make_exception_ptr(app::disk_full("/tmp"));
  EXPECT_EQ(torc::detail::text_of(e), "app::disk_full: /tmp");
  EXPECT_EQ(torc::detail::text_of(trip(e)), "app::disk_full: /tmp, thrown on rank 3 on host");
}

TEST(exception_bytes, of_others_a_remote_error_tells) {
  const auto e = get<torc::remote_error>(trip_of(app::unknown("some text")));
  EXPECT_STREQ(e.what(), "some text");
  EXPECT_EQ(e.type_name(), "app::unknown");
  EXPECT_EQ(e.rank(), 3);
  EXPECT_EQ(e.host(), "host");

  const auto i = get<torc::remote_error>(trip_of(5));
  EXPECT_EQ(i.type_name(), "int");
  EXPECT_STREQ(i.what(), "an exception of type int");
  EXPECT_EQ(get<torc::remote_error>(trip_of(app::unknown_too())).type_name(), "app::unknown_too");

  const auto s = get<torc::remote_error>(trip_of(app::stubborn()));
  EXPECT_EQ(s.type_name(), "app::stubborn");
  EXPECT_STREQ(s.what(), "stubborn");
}

TEST(exception_bytes, a_remote_error_travels_on_unchanged) {
  const auto e = get<torc::remote_error>(trip(trip_of(app::unknown("some text")), 5, "other"));
  EXPECT_STREQ(e.what(), "some text");
  EXPECT_EQ(e.type_name(), "app::unknown");
  EXPECT_EQ(e.rank(), 3);
  EXPECT_EQ(e.host(), "host");
}

template <class Outer, class Inner>
std::exception_ptr nest(const Outer& outer, const Inner& inner) {
  try {
    try {
      throw inner;
    } catch (...) {
      std::throw_with_nested(outer);
    }
  } catch (...) {
    return std::current_exception();
  }
}
std::exception_ptr nested_in(const std::exception_ptr& p) {
  try {
    std::rethrow_exception(p);
  } catch (const std::nested_exception& n) {
    return n.nested_ptr();
  } catch (...) {
    return nullptr;
  }
}
template <class E>
std::string text_of(const std::exception_ptr& p) {
  try {
    std::rethrow_exception(p);
  } catch (const E& e) {
    return e.what();
  }
}

TEST(exception_bytes, nested_ones_stay_nested) {
  const auto known = trip(nest(app::disk_full("outer"), std::out_of_range("inner")));
  EXPECT_EQ(text_of<app::disk_full>(known), "outer");
  EXPECT_EQ(torc::detail::exception_view(known).type, typeid(app::disk_full).name());
  EXPECT_EQ(from(known), "host:3");
  EXPECT_EQ(from(nested_in(known)), "host:3");
  EXPECT_STREQ(get<std::out_of_range>(nested_in(known)).what(), "inner");

  const auto unknown = trip(nest(app::unknown("outer"), app::unknown("inner")));
  EXPECT_EQ(text_of<torc::remote_error>(unknown), "outer");
  EXPECT_STREQ(get<torc::remote_error>(nested_in(unknown)).what(), "inner");

  const auto odd = trip(nest(app::stop{3, "outer"}, 5));
  EXPECT_THROW(std::rethrow_exception(odd), app::stop);
  EXPECT_EQ(get<torc::remote_error>(nested_in(odd)).type_name(), "int");
  EXPECT_EQ(nested_in(nested_in(odd)), nullptr);
  EXPECT_EQ(from(odd), "host:3");
}

TEST(exception_bytes, each_of_a_chain_keeps_its_own_origin) {
  std::exception_ptr chain;
  try {
    try {
      std::rethrow_exception(trip_of(app::disk_full("inner")));
    } catch (...) {
      std::throw_with_nested(torc::timed_out("outer"));
    }
  } catch (...) {
    chain = trip(trip(std::current_exception(), 5, "other"), 7, "third");
  }
  EXPECT_EQ(text_of<torc::timed_out>(chain), "outer");
  EXPECT_EQ(from(chain), "other:5");
  EXPECT_STREQ(get<app::disk_full>(nested_in(chain)).what(), "inner");
  EXPECT_EQ(from(nested_in(chain)), "host:3");
}

TEST(exception_bytes, of_a_long_chain_the_outermost_stay) {
  std::exception_ptr p = std::make_exception_ptr(std::runtime_error("0"));
  for (int i = 1; i < 1000; ++i) {
    try {
      try {
        std::rethrow_exception(p);
      } catch (...) {
        std::throw_with_nested(std::runtime_error(std::to_string(i)));
      }
    } catch (...) {
      p = std::current_exception();
    }
  }
  std::exception_ptr q = trip(p);
  int n = 0;
  for (; q; q = nested_in(q), ++n) {
    EXPECT_EQ(text_of<std::runtime_error>(q), std::to_string(999 - n));
  }
  EXPECT_EQ(n, 100);
}

} // namespace
