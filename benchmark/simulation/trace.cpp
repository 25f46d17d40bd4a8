// SPDX-License-Identifier: MIT
#include <fstream>
#include <vector>

#include "workloads.hpp"

namespace simulated {
namespace {

/// A task is a line of the file, word 0, before or after its children, word 1.
class replay final : public problem {
public:
  explicit replay(const std::string& name) {
    std::ifstream file(name);
    if (!file) throw std::invalid_argument("trace=" + name + ": no such file");
    std::vector<long> parents;
    for (long parent = 0, before = 0, after = 0; file >> parent >> before >> after;) {
      if (parent < (parents.empty() ? -1 : 0) || parent >= static_cast<long>(parents.size()) ||
          before < 0 || after < 0)
        throw std::invalid_argument(name + ": line " + std::to_string(parents.size() + 1) +
                                    " has no parent above it, or a negative time");
      parents.push_back(parent);
      lines_.push_back({before, after, {}});
      if (parent >= 0)
        lines_[static_cast<std::size_t>(parent)].children.push_back(
            static_cast<std::uint32_t>(lines_.size() - 1));
    }
    if (lines_.empty() || !file.eof()) throw std::invalid_argument(name + ": not a trace");
  }

  task first() override { return {}; }
  bool fine() const override { return true; }

  nanoseconds run(const task& t, worker& w) override {
    const line& l = lines_[t.what[0]];
    if (t.what[1] != 0) return l.after;
    if (!l.children.empty()) w.then({.what = {t.what[0], 1}});
    for (const std::uint32_t child : l.children)
      w.spawn({.what = {child}});
    return l.before;
  }

private:
  struct line {
    nanoseconds before, after;
    std::vector<std::uint32_t> children;
  };
  std::vector<line> lines_;
};

} // namespace

std::unique_ptr<problem> make_trace(settings& s) {
  return std::make_unique<replay>(s.text("trace", "sort.trace"));
}

} // namespace simulated
