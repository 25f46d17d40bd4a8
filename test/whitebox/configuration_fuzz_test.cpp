// SPDX-License-Identifier: MIT
// Any values of the TORC_* variables: the configuration is right, or one line says what is wrong
// and the exit code is 2. TORC_WORLDS=N for more.

#include <algorithm>
#include <cstdlib>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include "../session.hpp"
#include "runtime/configuration.hpp"

namespace {

const char* const names[] = {
    "TORC_WORKERS",   "TORC_STACK_SIZE", "TORC_BIND",    "TORC_STEALING",      "TORC_STATS",
    "TORC_IDLE_SPIN", "TORC_ROUND_TRIP", "TORC_SURVIVE", "TORC_STALL_TIMEOUT", "TORC_SEED"};

/// Often nearly right.
std::string draw_value(std::mt19937& random) {
  static const std::string seeds[] = {
      "1",    "0",    "64M", "core", "none", "1024",
      "16G",  "16K",  "-1",  "1e3",  "0x10", "99999999999999999999",
      "1000", "true", " ",   "+1",   "17G",  "18446744073709551615"};
  std::string value = seeds[random() % std::size(seeds)];
  for (unsigned changes = random() % 4; changes > 0; --changes) {
    const auto c = static_cast<char>(1 + random() % 255);
    const std::size_t at = random() % (value.size() + 1);
    if (at == value.size() || random() % 2 == 0) {
      value.insert(at, 1, c);
    } else if (random() % 2 == 0) {
      value[at] = c;
    } else {
      value.erase(at, 1);
    }
  }
  return random() % 20 == 0 ? std::string(random() % 3000, 'M') : value;
}

/// The exit code of a process that reads the configuration, and what it says.
int read_in_a_process(std::string& said) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    const torc::detail::configuration c = torc::detail::read_configuration();
    const bool right = c.workers >= 0 && c.workers <= 1024 && c.stack_size >= (16u << 10) &&
                       c.stack_size <= (std::size_t{16} << 30) && c.stall_timeout >= 0;
    _exit(right ? 0 : 1);
  }
  close(ends[1]);
  char buffer[4096];
  for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) {
    said.append(buffer, static_cast<std::size_t>(n));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(configuration, takes_any_values) {
  const char* const worlds = std::getenv("TORC_WORLDS");
  const int values = worlds != nullptr ? std::atoi(worlds) : 400;
  std::mt19937 random(1);
  int accepted = 0;
  for (int i = 0; i < values && !HasFailure(); ++i) {
    const char* const name = names[random() % std::size(names)];
    const std::string value = draw_value(random);
    const test::environment e(name, value.c_str());
    SCOPED_TRACE(std::string(name) + "=" + value);
    std::string said;
    const int code = read_in_a_process(said);
    accepted += code == 0;
    if (code == 0) {
      EXPECT_EQ(said, "");
    } else {
      EXPECT_EQ(code, 2);
      EXPECT_EQ(said.rfind(std::string("torc: ") + name + "=", 0), 0u) << said;
      EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
    }
  }
  EXPECT_GT(accepted, values / 20);
  EXPECT_LT(accepted, values);
}

} // namespace
