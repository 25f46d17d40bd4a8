// SPDX-License-Identifier: MIT
#include <boost/serialization/access.hpp>
#include <boost/serialization/split_free.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>
#include <string_view>
#include <torc/torc.hpp>

namespace {

using namespace std::string_literals;

/// A message as a transport delivers it: the bytes, and then the blocks into their places.
struct message {
  std::vector<std::byte> bytes;
  std::vector<std::span<const std::byte>> blocks;

  std::vector<std::size_t> sizes() const {
    std::vector<std::size_t> s;
    for (const auto& b : blocks) {
      s.push_back(b.size());
    }
    return s;
  }
};

template <class T>
message pack(const T& x) {
  torc::writer w;
  torc::codec<T>::save(w, x);
  return {w.take_bytes(), w.take_blocks()};
}

void deliver(torc::reader& r, const message& m) {
  r.expect_end();
  const auto to = r.take_destinations();
  ASSERT_EQ(to.size(), m.blocks.size());
  for (std::size_t i = 0; i < to.size(); ++i) {
    ASSERT_EQ(to[i].size(), m.blocks[i].size());
    std::memcpy(to[i].data(), m.blocks[i].data(), to[i].size());
  }
}

template <class T>
T trip(const T& x) {
  static_assert(torc::shippable<T>);
  const message m = pack(x);
  const auto sizes = m.sizes();
  torc::reader r(m.bytes, sizes);
  T y = torc::codec<T>::load(r);
  deliver(r, m);
  // What is cut off is missed.
  if (!m.bytes.empty()) {
    torc::reader cut(std::span(m.bytes).first(m.bytes.size() - 1), sizes);
    EXPECT_THROW(torc::codec<T>::load(cut), torc::bad_message);
  }
  return y;
}

template <class... Ts>
void expect_same(const Ts&... xs) {
  const auto one = [](const auto& x) { EXPECT_EQ(trip(x), x); };
  (one(xs), ...);
}

enum class colour : std::uint8_t { red, green };
enum class yes_no : bool { no, yes };
enum plain_enum { one = 1, two };

TEST(shippable, numbers) {
  expect_same(true, false, 'c', 1, -1L, 2u, 3.5f, 2.5, 1.25L, colour::green, yes_no::yes, two,
              std::byte{7}, char16_t{3}, std::numeric_limits<std::uint64_t>::max());
}

TEST(shippable, standard_types) {
  expect_same(""s, "text"s, u"text"s, std::string(1000, 'x'));
  expect_same(std::vector<int>{}, std::vector{1, 2, 3}, std::vector{"a"s, ""s, "c"s},
              std::vector<std::vector<double>>{{}, {1, 2}}, std::deque{1, 2}, std::list{"a"s, "b"s},
              std::forward_list{1, 2, 3}, std::vector<bool>{}, std::vector<bool>(17, true));
  expect_same(std::array<int, 3>{1, 2, 3}, std::array<std::string, 2>{"a", "b"},
              std::array<int, 0>{}, std::pair(1, "a"s), std::tuple<>{}, std::tuple(1, "a"s, 2.5));
  expect_same(std::optional<int>{}, std::optional(3), std::optional("text"s),
              std::optional<std::optional<int>>(std::optional<int>{}),
              std::variant<int, std::string>(3), std::variant<int, std::string>("text"s),
              std::variant<std::monostate, int>{});
  expect_same(std::set{3, 1, 2}, std::multiset{1, 1, 2}, std::map<std::string, int>{{"a", 1}},
              std::multimap<int, int>{{1, 1}, {1, 2}}, std::unordered_set{1, 2, 3},
              std::unordered_multiset{1, 1}, std::unordered_map<std::string, int>{{"a", 1}},
              std::unordered_multimap<int, int>{{1, 1}, {1, 2}},
              std::set<int, std::greater<>>{1, 2});
  expect_same(std::complex(1.0, 2.0), std::chrono::milliseconds(5),
              std::chrono::duration<double>(2),
              std::chrono::system_clock::time_point(std::chrono::seconds(5)), std::bitset<3>(5),
              std::bitset<100>(5), std::bitset<0>(), std::filesystem::path("/a/b"),
              std::vector<std::filesystem::path>{"a", ""});
}

TEST(shippable, elements_of_no_bytes_are_counted) {
  EXPECT_EQ(trip(std::vector<std::monostate>(5)).size(), 5u);
  EXPECT_EQ(trip(std::list<std::tuple<>>(5)).size(), 5u);
  EXPECT_EQ(trip(std::vector<std::array<std::string, 0>>(5)).size(), 5u);
}

TEST(shippable, unique_pointers) {
  EXPECT_EQ(trip(std::unique_ptr<int>()), nullptr);
  EXPECT_EQ(*trip(std::make_unique<std::string>("text")), "text");
  std::vector<std::unique_ptr<int>> v;
  v.push_back(std::make_unique<int>(3));
  v.push_back(nullptr);
  const auto w = trip(v);
  EXPECT_EQ(*w.at(0), 3);
  EXPECT_EQ(w.at(1), nullptr);
}

// --- aggregates

struct point {
  int x = 0;
  double y = 0;
  bool operator==(const point&) const = default;
};
struct person {
  std::string name;
  std::optional<point> where;
  std::vector<person> children;
  bool alive;
  bool operator==(const person&) const = default;
};
struct arrays {
  double x[3];
  std::string names[2][2];
  point points[2];
  bool operator==(const arrays&) const = default;
};
struct bits {
  int a : 3;
  unsigned b : 5;
  bool c : 1;
  bool operator==(const bits&) const = default;
};
struct bits_and_array {
  int a : 3;
  const bits b[2];
  std::string c;
  bool operator==(const bits_and_array&) const = default;
};
struct constant {
  const int n;
  const std::string text;
  bool operator==(const constant&) const = default;
};
struct no_default {
  explicit no_default(int v) : value(v) {}
  bool operator==(const no_default&) const = default;
  int value;
};
struct holder {
  int before;
  no_default part;
  bool operator==(const holder&) const = default;
};
struct sixteen {
  int a, b, c, d, e, f, g, h;
  std::string i, j, k, l, m, n, o, p;
  bool operator==(const sixteen&) const = default;
};
struct node {
  int value;
  std::unique_ptr<node> next;
};
struct move_only {
  std::unique_ptr<int> a;
  std::vector<std::unique_ptr<int>> b;
};
struct move_only_array {
  std::unique_ptr<int> a[2];
  std::vector<std::unique_ptr<int>> b;
};
struct with_union { // nobody can say which of the two it is
  int a;
  union {
    int b;
    float c;
  };
};
static_assert(!torc::shippable<with_union>);
struct wrapped {
  point only;
  bool operator==(const wrapped&) const = default;
};

} // namespace

template <>
struct torc::codec<no_default> {
  static void save(writer& w, const no_default& x) { w.put(x.value); }
  static no_default load(reader& r) { return no_default(r.get<int>()); }
};

namespace {

TEST(shippable, aggregates) {
  expect_same(point{1, 2.5}, wrapped{{1, 2.5}}, std::vector{point{1, 2}, point{3, 4}},
              person{"a", point{1, 2}, {{"b", {}, {}, false}, {"c", {}, {}, true}}, true},
              arrays{{1, 2, 3}, {{"a", "b"}, {"c", "d"}}, {{1, 2}, {3, 4}}}, constant{3, "text"},
              bits{-1, 30, true}, bits_and_array{2, {{1, 1, true}, {2, 2, false}}, "text"},
              holder{1, no_default(2)},
              sixteen{1, 2, 3, 4, 5, 6, 7, 8, "1", "2", "3", "4", "5", "6", "7", "8"});
  const move_only m = trip(move_only{std::make_unique<int>(3), {}});
  EXPECT_EQ(*m.a, 3);
  const auto n = trip(move_only_array{{nullptr, std::make_unique<int>(4)}, {}});
  EXPECT_EQ(*n.a[1], 4);
}

TEST(shippable, lists_by_pointer_are_as_deep_as_the_stack_allows) {
  const auto chain = [](int n) {
    std::unique_ptr<node> first;
    for (int i = 0; i < n; ++i) {
      first.reset(new node{i, std::move(first)});
    }
    return first;
  };
  EXPECT_EQ(trip(chain(1000))->value, 999);
  torc::writer w;
  EXPECT_THROW(torc::codec<std::unique_ptr<node>>::save(w, chain(1001)), std::length_error);
  // The bytes that such a list would have.
  std::vector<std::byte> bytes;
  for (int i = 0; i < 2000; ++i) {
    bytes.insert(bytes.end(), {std::byte{1}, {}, {}, {}, {}});
  }
  torc::reader r(bytes);
  EXPECT_THROW(torc::codec<std::unique_ptr<node>>::load(r), torc::bad_message);
}

// --- Boost

class with_member {
public:
  with_member() = default;
  explicit with_member(std::string t) : text(std::move(t)) {}
  template <class Archive>
  void serialize(Archive& ar, unsigned) {
    ar& text;
  }
  bool operator==(const with_member&) const = default;

private:
  std::string text;
};
class with_private_member {
public:
  with_private_member() = default;
  explicit with_private_member(std::vector<int> v) : values(std::move(v)) {}
  bool operator==(const with_private_member&) const = default;

private:
  friend class boost::serialization::access;
  template <class Archive>
  void serialize(Archive& ar, unsigned version) {
    EXPECT_EQ(version, 0u);
    ar& values;
  }
  std::vector<int> values;
};
struct final_with_member final {
  template <class Archive>
  void serialize(Archive& ar, unsigned) {
    ar& x& y;
  }
  bool operator==(const final_with_member&) const = default;
  int x = 0, y = 0;
};
class with_free_function {
public:
  with_free_function() = default;
  explicit with_free_function(int v) : value(v) {}
  bool operator==(const with_free_function&) const = default;
  int value = 0;
};
template <class Archive>
void serialize(Archive& ar, with_free_function& x, unsigned) {
  ar& x.value;
}
struct in_boosts_namespace {
  bool operator==(const in_boosts_namespace&) const = default;
  int value = 0;
  int* not_sent = nullptr;
};
class neither {
public:
  neither() : x(1) {}
  int x;
};
class throws_on_load {
public:
  template <class Archive>
  void serialize(Archive& ar, unsigned) {
    ar& x;
    if (Archive::is_loading::value) {
      throw std::domain_error("no such x");
    }
  }

private:
  int x = 0;
};

} // namespace

namespace boost::serialization {
template <class Archive>
void serialize(Archive& ar, in_boosts_namespace& x, const unsigned) {
  ar& x.value;
}
} // namespace boost::serialization

namespace {

TEST(shippable, boost_serialize) {
  expect_same(with_member("text"), with_private_member({1, 2, 3}), final_with_member{1, 2},
              with_free_function(3), in_boosts_namespace{4}, std::vector{with_member("a")},
              std::map<int, with_free_function>{{1, with_free_function(2)}});
  static_assert(!torc::shippable<neither>);
}

TEST(shippable, what_boost_or_the_class_throws_is_a_bad_message) {
  const message m = pack(throws_on_load());
  torc::reader r(m.bytes);
  try {
    torc::codec<throws_on_load>::load(r);
    FAIL();
  } catch (const torc::bad_message& e) {
    EXPECT_NE(std::string_view(e.what()).find("no such x"), std::string_view::npos);
  }
}

// --- what is called

int twice(int x) { return 2 * x; }
int thrice(int x) noexcept { return 3 * x; }
torc::task<std::string> repeat(const std::string& s, int n) {
  std::string r;
  for (int i = 0; i < n; ++i) {
    r += s;
  }
  co_return r;
}
struct empty_function {
  int operator()(int x) const { return x + 1; }
};
struct scale {
  double factor;
  double operator()(double x) const { return factor * x; }
};

TEST(shippable, functions) {
  EXPECT_EQ(trip(&twice), &twice);
  EXPECT_EQ(trip(&thrice), &thrice);
  EXPECT_EQ(trip(&std::abort), &std::abort); // of a library
  EXPECT_EQ(trip(static_cast<int (*)(int)>(nullptr)), nullptr);
  EXPECT_EQ(trip(scale{2})(4), 8);
}

TEST(shippable, a_function_of_another_type_is_refused) {
  const message m = pack(&thrice);
  torc::reader r(m.bytes);
  EXPECT_THROW(torc::codec<int (*)(int)>::load(r), torc::bad_message);
}

TEST(shippable, what_has_no_state_takes_no_bytes) {
  const auto lambda = [](int x) { return x + 2; };
  EXPECT_EQ(trip(lambda)(1), 3);
  EXPECT_EQ(trip(empty_function{})(1), 2);
  EXPECT_TRUE(pack(lambda).bytes.empty());
  EXPECT_TRUE(pack(empty_function{}).bytes.empty());
}

TEST(shippable, bind) {
  const auto add =
      torc::bind([](const std::string& a, int b, int c) { return a + char('0' + b + c); }, "x"s, 2);
  EXPECT_EQ(add(3), "x5");
  EXPECT_EQ(trip(add)(3), "x5");
  EXPECT_EQ(trip(torc::bind(twice, 4))(), 8);
  EXPECT_EQ(trip(torc::bind(torc::bind(scale{2}), 4.0))(), 8);
  EXPECT_EQ(trip(torc::bind(repeat, "ab"s))(2).get(), "abab");
  auto owner = torc::bind([](std::unique_ptr<int> p) { return *p; }, std::make_unique<int>(3));
  EXPECT_EQ(trip(owner)(), 3); // an rvalue
  static_assert(!std::is_invocable_v<decltype(owner)&>);
}

TEST(shippable, bound_functions_can_be_spawned) {
  auto a = torc::spawn(torc::bind(twice, 4));
  auto b = torc::spawn(torc::bind(repeat, "ab"s), 2);
  EXPECT_EQ(a.get(), 8);
  EXPECT_EQ(b.get(), "abab");
}

// --- what is not shippable

struct with_reference {
  int x;
  const std::string& text;
};
struct with_pointer {
  int x;
  int* p;
};
struct base {
  int x;
};
struct derived : base {
  int y;
};
struct virtual_base {
  virtual ~virtual_base() = default;
};
union either {
  int x;
  float y;
};

TEST(shippable, refused) {
  const auto capturing = [x = 1] { return x; };
  static_assert(!torc::shippable<int*> && !torc::shippable<const char*> && !torc::shippable<int&>);
  static_assert(!torc::shippable<std::nullptr_t> && !torc::shippable<int point::*> &&
                !torc::shippable<void> && !torc::shippable<int[3]>);
  static_assert(!torc::shippable<std::reference_wrapper<int>> &&
                !torc::shippable<std::string_view> && !torc::shippable<std::span<int>> &&
                !torc::shippable<std::span<int, 3>> && !torc::shippable<std::function<void()>>);
  static_assert(!torc::shippable<std::shared_ptr<int>> && !torc::shippable<std::thread> &&
                !torc::shippable<std::unique_lock<std::mutex>> && !torc::shippable<std::mutex> &&
                !torc::shippable<std::atomic<int>> && !torc::shippable<std::exception_ptr>);
  static_assert(!torc::shippable<torc::future<int>> && !torc::shippable<torc::task<int>>);
  static_assert(!torc::shippable<decltype(capturing)>);
  static_assert(!torc::shippable<std::vector<int*>> && !torc::shippable<std::tuple<int&>> &&
                !torc::shippable<std::pair<int, std::string_view>> &&
                !torc::shippable<std::optional<with_pointer>> &&
                !torc::shippable<std::vector<std::map<int, std::unique_ptr<int*>>>>);
  static_assert(!torc::shippable<with_reference> && !torc::shippable<with_pointer> &&
                !torc::shippable<derived> && !torc::shippable<either> &&
                !torc::shippable<virtual_base> && !torc::shippable<std::unique_ptr<virtual_base>> &&
                !torc::shippable<std::unique_ptr<int[]>>);
  static_assert(!torc::shippable<std::map<int, int, std::function<bool(int, int)>>>);
}

// --- blocks

struct user_with_vector {
  user_with_vector() = default;
  explicit user_with_vector(std::vector<int> v)
      : sum(std::accumulate(v.begin(), v.end(), 0)), values(std::move(v)) {}
  int sum = 0;
  std::vector<int> values;
};
struct copied_when_moved {
  const std::vector<int> values;
};

} // namespace

template <>
struct torc::codec<user_with_vector> {
  static void save(writer& w, const user_with_vector& x) {
    codec<std::vector<int>>::save(w, x.values);
  }
  static user_with_vector load(reader& r) { // looks at what it reads
    return user_with_vector(codec<std::vector<int>>::load(r));
  }
};

namespace {

TEST(shippable, large_data_is_not_copied) {
  std::vector<double> v(torc::block_size / sizeof(double));
  std::iota(v.begin(), v.end(), 0.0);
  const message m = pack(v);
  ASSERT_EQ(m.blocks.size(), 1u);
  EXPECT_EQ(static_cast<const void*>(m.blocks[0].data()), v.data());
  EXPECT_EQ(m.bytes.size(), sizeof(std::uint64_t));
  EXPECT_EQ(trip(v), v);
  v.pop_back();
  EXPECT_TRUE(pack(v).blocks.empty());
  EXPECT_EQ(trip(v), v);
}

TEST(shippable, blocks_anywhere) {
  const std::vector<int> large(100'000, 3);
  const std::string text(100'000, 'x');
  const std::vector<point> points(10'000, point{1, 2});
  expect_same(
      std::vector{large, {}, large}, std::map<int, std::string>{{1, text}, {2, "a"}, {3, text}},
      std::tuple(large, text, 3), std::optional(large), std::variant<int, std::string>(text),
      std::list{text, text}, std::vector{std::pair(1, large), std::pair(2, large)}, points);
  EXPECT_EQ(pack(std::vector{large, {}, large}).blocks.size(), 2u);
  EXPECT_EQ(*trip(std::make_unique<std::string>(text)), text);
  std::vector<std::vector<int>> many(50, large); // grows while it is read
  EXPECT_EQ(trip(many), many);
}

TEST(shippable, what_is_looked_at_or_copied_on_the_way_is_no_block) {
  const std::vector<int> large(100'000, 3);
  const std::string text(100'000, 'x');
  expect_same(std::set{text}, std::map<std::string, int>{{text, 1}}, std::unordered_set{text},
              std::unordered_map<std::string, std::string>{{text, text}});
  EXPECT_TRUE(pack(std::set{text}).blocks.empty());
  EXPECT_EQ(pack(std::map<std::string, std::string>{{text, text}}).blocks.size(), 1u);

  EXPECT_TRUE(pack(std::tuple(user_with_vector(large))).blocks.empty());
  EXPECT_EQ(std::get<0>(trip(std::tuple(user_with_vector(large)))).sum, 300'000);
  EXPECT_TRUE(pack(copied_when_moved{large}).blocks.empty());
  EXPECT_EQ(trip(copied_when_moved{large}).values, large);
  EXPECT_TRUE(pack(std::vector<std::pair<const int, const std::string>>{{1, text}}).blocks.empty());
}

TEST(shippable, blocks_of_wrong_sizes_are_refused) {
  const std::vector<int> large(100'000, 3);
  const message m = pack(large);
  for (const std::vector<std::size_t>& sizes :
       {std::vector<std::size_t>{}, {399'999}, {400'001}, {0}, {16'384}}) {
    torc::reader r(m.bytes, sizes);
    EXPECT_THROW(torc::codec<std::vector<int>>::load(r), torc::bad_message);
  }
  const std::vector<std::size_t> two{400'000, 400'000};
  torc::reader r(m.bytes, two);
  torc::codec<std::vector<int>>::load(r);
  EXPECT_THROW(r.expect_end(), torc::bad_message);
}

// --- bad messages

template <class T>
void expect_refused(std::initializer_list<std::uint64_t> words) {
  std::vector<std::byte> bytes;
  for (const std::uint64_t word : words) {
    const auto* p = reinterpret_cast<const std::byte*>(&word);
    bytes.insert(bytes.end(), p, p + sizeof word);
  }
  torc::reader r(bytes);
  EXPECT_THROW(torc::codec<T>::load(r), torc::bad_message);
}

TEST(shippable, no_value_of_the_type) {
  expect_refused<bool>({2});
  expect_refused<yes_no>({2});
  expect_refused<std::optional<int>>({2});
  expect_refused<std::variant<int, std::string>>({2});
  expect_refused<std::unique_ptr<int>>({2});
  expect_refused<std::vector<int>>({3, 0});
  expect_refused<std::vector<std::string>>({~0ull, 0});
  expect_refused<std::vector<bool>>({~0ull, 0});
  expect_refused<std::vector<std::monostate>>({9, 0});
  expect_refused<std::string>({1ull << 63});
  expect_refused<std::vector<double>>({(1ull << 61) + 1, 0});
  expect_refused<std::set<std::uint64_t>>({2, 5, 5});
  expect_refused<std::unordered_map<std::uint64_t, std::uint64_t>>({2, 5, 1, 5, 2});
}

TEST(shippable, a_message_too_long) {
  const message m = pack(std::pair(1, 2));
  torc::reader r(m.bytes);
  torc::codec<int>::load(r);
  EXPECT_THROW(r.expect_end(), torc::bad_message);
  torc::codec<int>::load(r);
  r.expect_end();
}

} // namespace
