// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

/// The tasks of one run, for `simulate problem=trace`. A file has a line for each: the number of
/// its parent's line, -1 for the first, the nanoseconds it ran before its children, and after them.
class recording {
  using clock = std::chrono::steady_clock;
  struct line {
    int parent = -1;
    long before = 0, after = 0;
  };

public:
  explicit recording(std::size_t most) : lines_(most) {}

  /// From its beginning to its end; `waits` when all its children are spawned, `goes_on` when they
  /// are joined.
  class task {
  public:
    task(recording& to, int parent) : to_(to), id_(to.used_.fetch_add(1)), began_(clock::now()) {
      to.lines_.at(static_cast<std::size_t>(id_)).parent = parent;
    }
    task(const task&) = delete;
    task& operator=(const task&) = delete;
    ~task() { (waited_ ? mine().after : mine().before) = since(); }

    int id() const { return id_; }
    void waits() {
      mine().before = since();
      waited_ = true;
    }
    void goes_on() { began_ = clock::now(); }

  private:
    line& mine() { return to_.lines_[static_cast<std::size_t>(id_)]; }
    long since() const { return std::chrono::nanoseconds(clock::now() - began_).count(); }

    recording& to_;
    const int id_;
    clock::time_point began_;
    bool waited_ = false;
  };

  void write(const std::string& name) const {
    std::ofstream file(name);
    for (int i = 0; i < used_; ++i) {
      const line& l = lines_[static_cast<std::size_t>(i)];
      file << l.parent << ' ' << l.before << ' ' << l.after << '\n';
    }
    if (!file.flush()) throw std::runtime_error("cannot write " + name);
  }

private:
  std::vector<line> lines_;
  std::atomic<int> used_{0};
};
