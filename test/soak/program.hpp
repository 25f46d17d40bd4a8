// SPDX-License-Identifier: MIT
#pragma once

// The grammar of random programs, and what each of their tasks may come to. A program is a tree of
// nodes, all of which follows from its seed; every rank makes it by itself. One thread, no tasks.

#include <array>
#include <random>
#include <string>
#include <vector>

namespace soak {

using number = std::uint64_t;

/// How a node may end: a set of these.
constexpr unsigned value = 1, otherwise = 2, failed = 4, cancelled = 8, timed_out = 16;

inline std::string text_of(unsigned outcomes) {
  constexpr std::array names{"value", "otherwise", "failed", "cancelled", "timed_out"};
  std::string all;
  for (unsigned i = 0; i < names.size(); ++i) {
    if ((outcomes >> i & 1) != 0) all += (all.empty() ? "" : " or ") + std::string(names[i]);
  }
  return all;
}

/// What a node does: it gives the sum of its number and of the values of its children.
enum class body : std::uint8_t {
  sum,      ///< starts all children, then joins each and goes on whatever that has come to
  group,    ///< submits them in a group, whose failure is its own
  map,      ///< over them; likewise
  reduce,   ///< likewise, in the process, over a filter
  children, ///< spawns them in a loop; likewise
  wait_all, ///< submits them and waits for all
  endless,  ///< no children; runs until it is stopped
};
enum class place : std::uint8_t { cyclic, rank, worker, here };

struct node {
  body what = body::sum;
  int id = 0;
  std::vector<int> children = {};
  bool coroutine = false;
  bool fails = false;        ///< after its children; in a group, while these run
  int work_us = 0;           ///< at first: positive, it computes; negative, it sleeps
  bool cancels = false;      ///< a group: itself
  bool has_deadline = false; ///< a group: a short one

  // How its parent starts it, unless it has one way for all.
  bool submitted = false; ///< otherwise spawned; what follows is for submitted ones
  place where = place::cyclic;
  int place_id = 0; ///< modulo the number of ranks or workers
  bool pinned = false;
  int priority = 0, retries = 0;
  bool ignored = false; ///< its failure, for `-1 - id`
  bool stopped = false; ///< its parent cancels it
  bool limited = false; ///< it has a short time limit

  // The model.
  long sum = 0;          ///< its value
  unsigned outcomes = 0; ///< that its parent may see
};

/// Whether it starts all its children in one way, and fails if one of them does.
inline bool is_loop(const node& n) {
  return n.what == body::map || n.what == body::reduce || n.what == body::children;
}

class program {
public:
  explicit program(number seed) : random_(seed) {
    grow(1 + draw(draw(3) == 0 ? 100 : 25), nullptr);
    judge(nodes_[0]);
    expose(nodes_[0], false);
  }
  const node& operator[](int id) const { return nodes_[static_cast<std::size_t>(id)]; }

private:
  int draw(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }
  bool one_in(int n) { return draw(n) == 0; }

  /// Appends a tree of so many nodes; its number.
  int grow(int size, const node* parent) {
    node n;
    n.id = static_cast<int>(nodes_.size());
    n.coroutine = one_in(2);
    n.work_us = one_in(4) ? draw(300) : one_in(8) ? -draw(1000) : 0;
    constexpr body bodies[] = {body::sum, body::sum,    body::group,   body::wait_all,
                               body::map, body::reduce, body::children};
    n.what = size == 1 || parent == nullptr ? body::sum : bodies[draw(std::size(bodies))];
    n.cancels = n.what == body::group && one_in(5);
    n.has_deadline = n.what == body::group && one_in(5);
    if (parent != nullptr) {
      n.fails = one_in(8);
      n.submitted = !is_loop(*parent) && (parent->what != body::sum || one_in(2));
    }
    if (n.submitted) {
      n.where = static_cast<place>(draw(4));
      n.place_id = draw(100);
      n.pinned = one_in(4);
      n.priority = draw(10);
      n.retries = one_in(4) ? draw(3) : 0;
      n.ignored = one_in(6);
      n.stopped = one_in(8);
      n.limited = one_in(8);
      // With one worker nothing but a clock can stop it once its parent has waited for another.
      const bool stopped_at_once = parent->what != body::sum && (n.stopped || parent->cancels);
      if (size == 1 && one_in(3) && (stopped_at_once || n.limited || parent->has_deadline)) {
        n.what = body::endless;
      }
    }
    nodes_.push_back(n);
    std::vector<int> children;
    for (int left = size - 1; left > 0;) {
      const int part = 1 + draw(one_in(2) ? left : std::min(left, 4));
      children.push_back(grow(part, &n));
      left -= part;
    }
    nodes_[static_cast<std::size_t>(n.id)].children = children;
    return n.id;
  }
  node& child(int id) { return nodes_[static_cast<std::size_t>(id)]; }

  /// What the nodes may come to if nothing around them is stopped, from below.
  void judge(node& n) {
    unsigned below = 0;     // what children may come to
    bool all_may_do = true; // without a failure
    n.sum = n.id;
    for (const int id : n.children) {
      node& c = child(id);
      judge(c);
      n.sum += c.sum;
      below |= c.outcomes;
      all_may_do &= (c.outcomes & (value | otherwise | cancelled)) != 0;
    }
    n.outcomes = n.fails ? failed : value;
    if (n.what == body::endless) {
      n.outcomes = 0;
    } else if (is_loop(n) || (n.what == body::group && !n.fails)) {
      n.outcomes = (all_may_do || n.cancels ? n.outcomes : 0) | (below & (failed | timed_out)) |
                   (n.has_deadline ? timed_out : 0);
    }
    n.outcomes |= (n.limited ? timed_out : 0) | (n.stopped ? cancelled : 0);
    if (n.ignored && (n.outcomes & (failed | timed_out)) != 0) {
      n.outcomes = (n.outcomes & ~(failed | timed_out)) | otherwise;
    }
  }
  /// What is in something that may be stopped may be cancelled, from above.
  void expose(node& n, bool stopped) {
    n.outcomes |= stopped ? cancelled : 0;
    stopped |= n.limited || n.stopped;
    if (n.what == body::group) {
      stopped |= n.cancels || n.has_deadline || n.fails;
      for (const int id : n.children) {
        stopped |= (child(id).outcomes & (failed | timed_out)) != 0;
      }
    }
    for (const int id : n.children) {
      expose(child(id), stopped);
    }
  }

  std::mt19937 random_;
  std::vector<node> nodes_;
};

} // namespace soak
