// SPDX-License-Identifier: MIT
#include "simulation/machine.hpp"

#include <charconv>
#include <stdexcept>
#include <string>
#include <variant>

namespace torc::simulation {

void machine::set(std::string_view name, std::string_view value) {
  struct parameter {
    std::string_view name;
    std::variant<std::int64_t*, double*> where;
  };
  const parameter all[] = {
      {"ranks", &ranks},
      {"per_host", &per_host},
      {"near.latency", &near.latency},
      {"near.overhead", &near.overhead},
      {"near.gap", &near.gap},
      {"near.per_byte", &near.per_byte},
      {"far.latency", &far.latency},
      {"far.overhead", &far.overhead},
      {"far.gap", &far.gap},
      {"far.per_byte", &far.per_byte},
      {"eager", &eager},
      {"jitter", &jitter},
      {"lost", &lost},
      {"answer_fine", &answer_fine},
      {"answer_long", &answer_long},
      {"tick", &tick},
      {"tick_far", &tick_far},
      {"answer_idle", &answer_idle},
      {"search", &search},
      {"wake", &wake},
      {"tick_idle", &tick_idle},
      {"start", &start},
      {"pack", &pack},
      {"detect", &detect},
      {"slow_share", &slow_share},
      {"slowness", &slowness},
  };
  for (const parameter& p : all) {
    if (p.name == name) {
      const bool read = std::visit(
          [&](auto* number) {
            const char* const end = value.data() + value.size();
            const auto [at, error] = std::from_chars(value.data(), end, *number);
            return error == std::errc() && at == end && *number >= 0;
          },
          p.where);
      if (!read) {
        throw std::invalid_argument(std::string(name) + "=" + std::string(value) +
                                    ": not a number, or negative");
      }
      return;
    }
  }
  throw std::invalid_argument("the machine has no parameter " + std::string(name));
}

} // namespace torc::simulation
