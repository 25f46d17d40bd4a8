// SPDX-License-Identifier: MIT
#pragma once

#include <charconv>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>

/// What a simulation is told: `name=value` on the command line, or in files, a line each; later
/// ones win. Whoever reads a value takes it away; what is left was a mistake.
class settings {
public:
  settings(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
      const std::string argument = argv[i];
      argument.find('=') == std::string::npos ? read_file(argument) : add(argument);
    }
  }

  std::string text(const std::string& name, const std::string& otherwise) {
    const auto found = values_.extract(name);
    return found.empty() ? otherwise : found.mapped();
  }
  template <class Number>
  Number number(const std::string& name, Number otherwise) {
    const std::string value = text(name, "");
    if (value.empty()) return otherwise;
    const char* const end = value.data() + value.size();
    const auto [at, error] = std::from_chars(value.data(), end, otherwise);
    if (error != std::errc() || at != end || otherwise < 0)
      throw std::invalid_argument(name + "=" + value + ": not a number, or negative");
    return otherwise;
  }
  /// The position of the value among these words, which is `usual` by default.
  int one_of(const std::string& name, std::initializer_list<const char*> words, int usual = 0) {
    const std::string value = text(name, words.begin()[usual]);
    std::string all;
    int position = 0;
    for (const char* word : words) {
      if (value == word) return position;
      ++position;
      all += std::string(" ") + word;
    }
    throw std::invalid_argument(name + "=" + value + ": not one of" + all);
  }
  /// Calls `f(name, value)` for all that is left.
  template <class F>
  void rest(F f) const {
    for (const auto& [name, value] : values_)
      f(name, value);
  }

private:
  void add(const std::string& line) {
    const auto equals = line.find('=');
    if (equals == std::string::npos) throw std::invalid_argument(line + ": not name=value");
    values_[line.substr(0, equals)] = line.substr(equals + 1);
  }
  void read_file(const std::string& name) {
    std::ifstream file(name);
    if (!file) throw std::invalid_argument(name + ": no such file, and not name=value");
    for (std::string line; std::getline(file, line);)
      if (!line.empty() && line[0] != '#') add(line);
  }

  std::map<std::string, std::string> values_;
};
