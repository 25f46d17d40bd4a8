// SPDX-License-Identifier: MIT
#include "../../examples/uts_tree.hpp"

#include <cstring>

#include "workloads.hpp"

namespace simulated {
namespace {

/// A task is a node and some of its children: words 0 to 4, 5 the depth, 6 first and last + 1.
class unbalanced_tree final : public problem {
public:
  explicit unbalanced_tree(settings& s)
      : tree_(uts::find(s.text("tree", "T1XL"))), node_ns_(s.number("node_ns", 93.0)) {
    if (tree_ == nullptr) throw std::invalid_argument("no such tree");
  }

  task first() override {
    const uts::node root = uts::root(*tree_);
    return make_task(root, 0, uts::num_children(*tree_, root));
  }
  bool fine() const override { return true; }

  nanoseconds run(const task& t, worker& w) override {
    const auto most = static_cast<std::int64_t>(static_cast<double>(batch) / node_ns_);
    std::int64_t nodes = 0;
    task next = t;
    do {
      nodes += expand(next, w);
    } while (nodes < most && w.take_back(next));
    return static_cast<nanoseconds>(node_ns_ * static_cast<double>(nodes));
  }

private:
  static task make_task(const uts::node& n, int first, int last) {
    task t;
    std::copy(n.state.begin(), n.state.end(), t.what.begin());
    t.what[5] = static_cast<std::uint32_t>(n.depth);
    t.what[6] = static_cast<std::uint32_t>(first) << 16 | static_cast<std::uint32_t>(last);
    return t;
  }
  /// Spawns halves of the children until few are left, and looks at these together. How many nodes
  /// it has seen.
  int expand(const task& t, worker& w) const {
    uts::node n;
    std::copy_n(t.what.begin(), 5, n.state.begin());
    n.depth = static_cast<int>(t.what[5]);
    const int first = static_cast<int>(t.what[6] >> 16);
    int last = static_cast<int>(t.what[6] & 0xFFFF);
    for (; last - first > 4; last = first + (last - first) / 2)
      w.spawn(make_task(n, first + (last - first) / 2, last));
    if (tree_->type == uts::kind::geometric && tree_->form == uts::shape::fixed &&
        n.depth + 1 >= tree_->depth)
      return last - first; // no need to look at leaves
    for (int i = first; i < last; ++i) {
      const uts::node child = uts::child(n, i);
      if (const int children = uts::num_children(*tree_, child); children > 0)
        w.spawn(make_task(child, 0, children));
    }
    return last - first;
  }

  const uts::tree* const tree_;
  const double node_ns_;
};

} // namespace

std::unique_ptr<problem> make_uts(settings& s) { return std::make_unique<unbalanced_tree>(s); }

} // namespace simulated
