// SPDX-License-Identifier: MIT
// Random and mutated messages: they make a value or a bad_message, and nothing else. TORC_FUZZ is
// the number of messages, TORC_SEED the first seed.

#include <cstdlib>
#include <functional>
#include <gtest/gtest.h>
#include <new>
#include <random>
#include <string>
#include <torc/bind.hpp>
#include <torc/remote_error.hpp>

#include "ranks/exception.hpp"

namespace {

using random = std::mt19937_64;
using bytes = std::vector<std::byte>;

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* s = std::getenv(name);
  return s != nullptr ? std::strtoull(s, nullptr, 10) : otherwise;
}

struct leaf {
  int x;
  bool b;
  std::string text;
};
struct tree {
  std::optional<leaf> value;
  std::vector<tree> children;
  std::map<std::string, tree> named;
  std::unique_ptr<tree> other;
};
struct flat {
  double x[4];
  short n;
};
class by_boost {
public:
  template <class Archive>
  void serialize(Archive& ar, unsigned) {
    ar& a& b;
  }

private:
  int a = 1;
  double b = 2;
};

int function(int x) { return x; }

tree some_tree(int depth) {
  tree t{leaf{depth, true, std::string(static_cast<std::size_t>(depth), 'x')}, {}, {}, nullptr};
  if (depth > 0) {
    t.children.push_back(some_tree(depth - 1));
    t.named.emplace("a", some_tree(depth - 1));
    t.other = std::make_unique<tree>(some_tree(depth - 1));
  }
  return t;
}

/// A valid message, and how it is read.
struct target {
  bytes message;
  std::vector<std::size_t> blocks;
  std::function<void(torc::reader&)> load;
};

template <class T>
target of(const T& x) {
  torc::writer w;
  torc::codec<T>::save(w, x);
  std::vector<std::size_t> sizes;
  for (const auto& b : w.blocks()) {
    sizes.push_back(b.size());
  }
  return {w.take_bytes(), sizes, [](torc::reader& r) {
            // As the transport does: what is to be filled must be there.
            [[maybe_unused]] const T y = torc::codec<T>::load(r);
            for (const auto d : r.destinations()) {
              std::fill(d.begin(), d.end(), std::byte{1});
            }
          }};
}

torc::detail::remote_task* load_nothing(torc::reader&) { return nullptr; }
const char* name() { return "a task"; }
constexpr torc::detail::remote_type some_type{&some_type, torc::detail::remote_type::expected_magic,
                                              &load_nothing, &name};

target of_remote_type() {
  torc::writer w;
  torc::detail::save_remote_type(w, some_type);
  return {w.take_bytes(), {}, [](torc::reader& r) {
            // The only one there is.
            EXPECT_EQ(&torc::detail::load_remote_type(r), &some_type);
          }};
}
target of_function() {
  torc::writer w;
  torc::codec<int (*)(int)>::save(w, &function);
  return {w.take_bytes(), {}, [](torc::reader& r) {
            EXPECT_EQ(torc::codec<int (*)(int)>::load(r), &function);
          }};
}
target of_exception() {
  torc::writer w;
  try {
    try {
      throw std::system_error(1, std::generic_category(), "inner");
    } catch (...) {
      std::throw_with_nested(std::out_of_range("outer"));
    }
  } catch (...) {
    torc::detail::save_exception(w, std::current_exception(), 3, "host");
  }
  return {w.take_bytes(), {}, [](torc::reader& r) {
            EXPECT_NE(torc::detail::load_exception(r), nullptr);
          }};
}

std::vector<target> targets() {
  using std::string;
  const std::vector<int> large(10'000, 3);
  std::vector<target> all;
  all.push_back(of(std::vector<bool>(20, true)));
  all.push_back(of(std::vector<std::optional<string>>{"a", {}, "text"}));
  all.push_back(of(some_tree(2)));
  all.push_back(of(std::vector{flat{{1, 2, 3, 4}, 5}, flat{}}));
  all.push_back(of(std::list{std::variant<int, string, std::vector<char>>("text")}));
  all.push_back(of(std::tuple(large, 3, std::map<int, string>{{1, string(20'000, 'x')}})));
  all.push_back(of(std::map<int, std::vector<int>>{{1, large}, {2, large}}));
  all.push_back(of(std::unordered_map<string, std::set<int>>{{"a", {1, 2}}, {"b", {3}}}));
  all.push_back(of(std::deque<std::pair<char, std::bitset<70>>>(3)));
  all.push_back(of(std::vector<std::monostate>(3)));
  all.push_back(of(std::vector<by_boost>(2)));
  all.push_back(of(std::array<std::forward_list<bool>, 2>{{{true, false}, {}}}));
  all.push_back(of(torc::bind(function, 3)));
  all.push_back(of_remote_type());
  all.push_back(of_function());
  all.push_back(of_exception());
  return all;
}

std::uint64_t below(random& g, std::uint64_t n) { return g() % n; }

void mutate(bytes& b, std::vector<std::size_t>& blocks, random& g) {
  for (std::uint64_t n = 1 + below(g, 4); n > 0; --n) {
    const std::size_t at = b.empty() ? 0 : below(g, b.size());
    switch (below(g, 8)) {
    case 0: // a bit
      if (!b.empty()) {
        b[at] ^= std::byte{1} << below(g, 8);
      }
      break;
    case 1: // a byte
      if (!b.empty()) {
        b[at] = static_cast<std::byte>(g());
      }
      break;
    case 2: // a number: small, or huge
      if (b.size() >= 8) {
        const std::uint64_t x = below(g, 2) == 0 ? below(g, 100) : g() >> below(g, 64);
        std::memcpy(b.data() + std::min(at, b.size() - 8), &x, 8);
      }
      break;
    case 3: // too short
      b.resize(at);
      break;
    case 4: // too long
      b.insert(b.end(), below(g, 20), static_cast<std::byte>(g()));
      break;
    case 5: // something missing or twice
      if (!b.empty()) {
        const bytes part(b.begin() + static_cast<std::ptrdiff_t>(at), b.end());
        b.insert(b.begin() + static_cast<std::ptrdiff_t>(below(g, b.size())), part.begin(),
                 part.begin() +
                     static_cast<std::ptrdiff_t>(below(g, std::min<std::size_t>(part.size(), 32))));
      }
      break;
    case 6: // something else altogether
      if (below(g, 4) == 0) {
        b.resize(below(g, 200));
        for (std::byte& x : b) {
          x = static_cast<std::byte>(below(g, 3) == 0 ? g() : 0);
        }
      }
      break;
    case 7:
      if (!blocks.empty()) {
        blocks[below(g, blocks.size())] = below(g, 100'000);
      } else if (below(g, 8) == 0) {
        blocks.push_back(below(g, 100'000));
      }
      break;
    }
  }
}

TEST(fuzz_bytes, a_value_or_a_bad_message) {
  const std::vector<target> all = targets();
  const std::uint64_t first = setting("TORC_SEED", 1);
  const std::uint64_t count = setting("TORC_FUZZ", 100'000);
  std::uint64_t values = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    random g(seed);
    const target& t = all[seed % all.size()];
    bytes b = t.message;
    std::vector<std::size_t> blocks = t.blocks;
    mutate(b, blocks, g);
    try {
      torc::reader r(b, blocks);
      t.load(r);
      ++values;
    } catch (const torc::bad_message&) {
    } catch (const std::exception& e) {
      ADD_FAILURE() << e.what();
    } catch (...) {
      ADD_FAILURE() << "an exception that is none of ours";
    }
    if (HasFailure()) {
      FAIL() << "TORC_SEED=" << seed << " TORC_FUZZ=1, target " << seed % all.size();
    }
  }
  RecordProperty("values", std::to_string(values));
  if (count > 1000) {
    EXPECT_GT(values, count / 100); // not everything is refused at once
    EXPECT_LT(values, count);
  }
}

TEST(fuzz_bytes, the_unchanged_messages_are_values) {
  for (const target& t : targets()) {
    torc::reader r(t.message, t.blocks);
    EXPECT_NO_THROW(t.load(r));
    EXPECT_NO_THROW(r.expect_end());
  }
}

} // namespace
