// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <sys/mman.h>
#include <torc/shippable.hpp>
#include <unistd.h>

namespace {

using torc::detail::any_function;
using torc::detail::remote_type;

int answer() { return 42; }
torc::detail::remote_task* load_nothing(torc::reader&) { return nullptr; }
const char* name() { return "a task"; }

template <int>
struct descriptor {
  static const remote_type type;
};
template <int N>
constexpr remote_type descriptor<N>::type{&descriptor<N>::type, remote_type::expected_magic,
                                          &load_nothing, &name};
constinit remote_type changeable{nullptr, remote_type::expected_magic, &load_nothing, &name};

std::vector<std::byte> bytes_of(const remote_type& t) {
  torc::writer w;
  save_remote_type(w, t);
  return w.take_bytes();
}
std::vector<std::byte> bytes_of(any_function f, std::uint64_t signature) {
  torc::writer w;
  torc::detail::save_function(w, f, signature);
  return w.take_bytes();
}
any_function function_in(const std::vector<std::byte>& bytes, std::uint64_t signature) {
  torc::reader r(bytes);
  return torc::detail::load_function(r, signature);
}
const remote_type& type_in(const std::vector<std::byte>& bytes) {
  torc::reader r(bytes);
  return torc::detail::load_remote_type(r);
}

TEST(identity, remote_types) {
  EXPECT_EQ(&type_in(bytes_of(descriptor<1>::type)), &descriptor<1>::type);
  EXPECT_EQ(&type_in(bytes_of(descriptor<2>::type)), &descriptor<2>::type);
  EXPECT_STREQ(type_in(bytes_of(descriptor<1>::type)).name(), "a task");
}

TEST(identity, only_what_vouches_for_itself_is_a_remote_type) {
  EXPECT_THROW(type_in(bytes_of(changeable)), torc::bad_message);
  changeable.self = &changeable;
  EXPECT_EQ(&type_in(bytes_of(changeable)), &changeable);
  changeable.magic = 0;
  EXPECT_THROW(type_in(bytes_of(changeable)), torc::bad_message);

  const std::vector<std::byte> good = bytes_of(descriptor<1>::type);
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::vector<std::byte> bad = good;
    bad[bit / 8] ^= std::byte{1} << (bit % 8);
    try {
      EXPECT_EQ(&type_in(bad), &descriptor<2>::type) << bit; // which may be one bit away
    } catch (const torc::bad_message&) {
    }
  }
}

TEST(identity, a_remote_type_must_be_of_the_program) {
  const auto t = std::make_unique<remote_type>();
  torc::writer w;
  EXPECT_THROW(save_remote_type(w, *t), std::runtime_error);
}

TEST(identity, functions) {
  const auto f = reinterpret_cast<any_function>(&answer);
  EXPECT_EQ(function_in(bytes_of(f, 1), 1), f);
  EXPECT_EQ(function_in(bytes_of(nullptr, 1), 1), nullptr);
  const auto of_a_library = reinterpret_cast<any_function>(&std::getenv);
  EXPECT_EQ(function_in(bytes_of(of_a_library, 1), 1), of_a_library);
}

TEST(identity, a_function_passes_only_unchanged) {
  const auto f = reinterpret_cast<any_function>(&answer);
  EXPECT_THROW(function_in(bytes_of(f, 1), 2), torc::bad_message);
  EXPECT_THROW(function_in(bytes_of(nullptr, 1), 2), torc::bad_message);
  for (const any_function g : {f, any_function{}}) {
    const std::vector<std::byte> good = bytes_of(g, 1);
    for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
      std::vector<std::byte> bad = good;
      bad[bit / 8] ^= std::byte{1} << (bit % 8);
      EXPECT_THROW(function_in(bad, 1), torc::bad_message) << bit;
    }
  }
}

TEST(identity, code_made_at_run_time_is_refused) {
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(page, MAP_FAILED);
  torc::writer w;
  EXPECT_THROW(torc::detail::save_function(w, reinterpret_cast<any_function>(page), 1),
               std::runtime_error);
  munmap(page, 4096);
}

/// What this program says of itself; the next test runs it a second time.
std::string to_text(const std::vector<std::byte>& bytes) {
  std::string s;
  for (const std::byte b : bytes) {
    s += static_cast<char>('a' + (std::to_integer<int>(b) >> 4));
    s += static_cast<char>('a' + (std::to_integer<int>(b) & 15));
  }
  return s;
}
std::string self_portrait() {
  const auto f = reinterpret_cast<any_function>(&answer);
  const auto g = reinterpret_cast<any_function>(&std::getenv);
  return std::to_string(torc::detail::binary_identity()) + ' ' + to_text(bytes_of(f, 1)) + ' ' +
         to_text(bytes_of(g, 1)) + ' ' + to_text(bytes_of(descriptor<1>::type));
}

TEST(identity, another_process_of_the_program_says_the_same) {
  if (const char* path = std::getenv("TORC_TEST_PORTRAIT")) {
    std::ofstream(path) << self_portrait() << ' ' << reinterpret_cast<void*>(&answer);
    return;
  }
  const std::string path = testing::TempDir() + "torc_portrait_" + std::to_string(getpid());
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  setenv("TORC_TEST_PORTRAIT", path.c_str(), 1);
  const int status =
      std::system((self + " --gtest_filter='identity.another_process*' >/dev/null").c_str());
  unsetenv("TORC_TEST_PORTRAIT");
  EXPECT_EQ(status, 0);
  std::string text;
  std::getline(std::ifstream(path), text);
  std::filesystem::remove(path);
  EXPECT_EQ(text.substr(0, text.rfind(' ')), self_portrait());
}

} // namespace
