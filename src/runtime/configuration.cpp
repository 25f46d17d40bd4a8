// SPDX-License-Identifier: MIT
#include "runtime/configuration.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include "scheduler/topology.hpp"

namespace torc::detail {
namespace {

constexpr int most_workers = 1024;

[[noreturn]] void refuse(const char* name, std::string_view value, const char* allowed) {
  std::string printable(value.substr(0, 100)); // one line in any case
  std::replace_if(
      printable.begin(), printable.end(), [](unsigned char c) { return c < ' '; }, '?');
  std::fprintf(stderr, "torc: %s=%s is wrong: %s\n", name, printable.c_str(), allowed);
  std::exit(2);
}

/// The value of a variable; empty if it is not set or empty.
std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

template <class Number>
bool parse(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

/// Whether there is one.
template <class Number>
bool read_number(const char* name, Number least, Number most, const char* allowed, Number& n) {
  const std::string_view text = variable(name);
  if (text.empty()) {
    return false;
  }
  if (!parse(text, n) || n < least || n > most) {
    refuse(name, text, allowed);
  }
  return true;
}

void read_workers(int& workers) {
  read_number("TORC_WORKERS", 1, most_workers, "a number of threads from 1 to 1024 is allowed",
              workers);
}

void read_stack_size(std::size_t& bytes) {
  constexpr const char* allowed = "a size from 16K to 16G is allowed, such as 256K or 64M";
  const std::string_view text = variable("TORC_STACK_SIZE");
  if (text.empty()) {
    return;
  }
  std::string_view digits = text;
  int shift = 0;
  switch (text.back()) {
  case 'K':
  case 'k':
    shift = 10;
    break;
  case 'M':
  case 'm':
    shift = 20;
    break;
  case 'G':
  case 'g':
    shift = 30;
    break;
  default:
    break;
  }
  if (shift != 0) {
    digits.remove_suffix(1);
  }
  std::size_t number = 0;
  constexpr std::size_t least = std::size_t{16} << 10, most = std::size_t{16} << 30;
  if (!parse(digits, number) || number > (most >> shift) || (number << shift) < least) {
    refuse("TORC_STACK_SIZE", text, allowed);
  }
  bytes = number << shift;
}

void read_bind(bool& bind) {
  const std::string_view text = variable("TORC_BIND");
  if (!text.empty() && text != "none" && text != "core") {
    refuse("TORC_BIND", text, "none or core is allowed");
  }
  bind = text == "core";
}

void read_switch(const char* name, bool& on) {
  const std::string_view text = variable(name);
  if (text.empty()) {
    return;
  }
  if (text != "0" && text != "1") {
    refuse(name, text, "0 or 1 is allowed");
  }
  on = text == "1";
}

void read_stall_timeout(int& seconds) {
  read_number("TORC_STALL_TIMEOUT", 0, 1'000'000,
              "a number of seconds from 0 to 1000000 is allowed", seconds);
}

void read_seed(std::optional<std::uint64_t>& seed) {
  std::uint64_t number = 0;
  if (read_number<std::uint64_t>("TORC_SEED", 0, UINT64_MAX,
                                 "a number from 0 to 2^64 - 1 is allowed", number)) {
    seed = number;
  }
}

void read_idle_spin(std::optional<std::chrono::microseconds>& time) {
  long number = 0;
  if (read_number("TORC_IDLE_SPIN", 0L, 1'000'000'000L,
                  "a number of microseconds from 0 to 1000000000 is allowed", number)) {
    time = std::chrono::microseconds(number);
  }
}

/// Cores granted by the CPU bandwidth limit of one cgroup directory; 0 if there is none.
double quota_in(const std::string& directory) {
  double quota = 0, period = 0;
  if (std::ifstream file(directory + "/cpu.max"); file >> quota >> period && period > 0) {
    return quota / period; // "max" is no number and ends here with a failure
  }
  std::ifstream q(directory + "/cpu.cfs_quota_us"), p(directory + "/cpu.cfs_period_us");
  if (q >> quota && p >> period && quota > 0 && period > 0) {
    return quota / period;
  }
  return 0;
}

/// The tightest limit of this process's cgroup and its ancestors; 0 if there is none.
double cgroup_quota() {
  double least = 0;
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    // hierarchy:controllers:path, where version 2 has no controllers
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) {
      continue;
    }
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::string root = "/sys/fs/cgroup";
    if (!controllers.empty()) {
      if (("," + controllers + ",").find(",cpu,") == std::string::npos) {
        continue;
      }
      root += "/cpu";
    }
    // Inside a container the path may be the host's and not exist; the root is then our own.
    std::string path = line.substr(second + 1);
    for (;;) {
      const double quota = quota_in(root + path);
      if (quota > 0 && (least == 0 || quota < least)) {
        least = quota;
      }
      const std::size_t slash = path.rfind('/');
      if (path.empty() || slash == std::string::npos) {
        break;
      }
      path.resize(slash);
    }
  }
  return least;
}

} // namespace

int usable_cores() {
  auto cores = static_cast<int>(allowed_cores().count());
  if (const double quota = cgroup_quota(); quota > 0) {
    cores = std::min(cores, static_cast<int>(std::ceil(quota)));
  }
  return std::clamp(cores, 1, most_workers);
}

configuration read_configuration() {
  configuration c;
  read_workers(c.workers);
  read_stack_size(c.stack_size);
  read_bind(c.bind);
  read_switch("TORC_STATS", c.statistics);
  read_switch("TORC_STEALING", c.stealing);
  read_switch("TORC_ROUND_TRIP", c.round_trip);
  read_switch("TORC_SURVIVE", c.survive);
  read_stall_timeout(c.stall_timeout);
  read_seed(c.seed);
  read_idle_spin(c.idle_spin);
  return c;
}

} // namespace torc::detail
