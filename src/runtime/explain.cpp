// SPDX-License-Identifier: MIT
#include "runtime/explain.hpp"

#include <map>

#include "ranks/engine.hpp"
#include "scheduler/code_name.hpp"
#include "scheduler/scheduler.hpp"

namespace torc::detail {
namespace {

/// Each name is looked for in a file.
class names {
public:
  const std::string& of(std::uintptr_t code) {
    const auto found = known_.find(code);
    return found != known_.end() ? found->second
                                 : known_.emplace(code, code_name(code)).first->second;
  }

private:
  std::map<std::uintptr_t, std::string> known_;
};

std::string doing(const worker& w, names& n) {
  const std::uintptr_t code = w.own.begun.load(std::memory_order_relaxed);
  return code != 0                                       ? " runs " + n.of(code)
         : w.asleep.load(std::memory_order_relaxed) != 0 ? " sleeps"
                                                         : " looks for work";
}

} // namespace

std::string explanation(scheduler& s, const std::string& who) {
  names n;
  const std::string begin = "torc: " + who;
  std::uint32_t queued = 0;
  std::string text;
  for (const auto& w : s.workers) {
    queued += w->shared.available.load(std::memory_order_relaxed) +
              w->shared.mine.load(std::memory_order_relaxed);
    text += begin + "worker " + std::to_string(w->id) + doing(*w, n) + "\n";
  }
  text += begin + std::to_string(queued) + " tasks are queued\n";
  if (s.outer != nullptr) {
    for (const auto& [rank, tasks] : static_cast<rank_engine*>(s.outer)->away().by_rank()) {
      text += begin + std::to_string(tasks) + " tasks are with rank " + std::to_string(rank) + "\n";
    }
  }
  struct wait {
    std::uintptr_t waiter;
    const char* what;
    std::uintptr_t awaited;
    std::uintptr_t place;
    auto operator<=>(const wait&) const = default;
  };
  std::map<wait, int> waiting; // and how many of the kind
  const auto add = [&](const fiber& f) {
    if (const char* const what = f.waits_for.load(std::memory_order_acquire)) {
      ++waiting[{f.begun.load(std::memory_order_relaxed), what,
                 f.awaited.load(std::memory_order_relaxed),
                 f.awaited_place.load(std::memory_order_relaxed)}];
    }
  };
  s.fibers.for_each(add);
  for (const auto& [w, times] : waiting) { // names only now: they take long
    text += begin + (w.waiter != 0 ? n.of(w.waiter) : "the main program") + " waits for " + w.what +
            (w.awaited != 0 ? " " + n.of(w.awaited) : "") + submitted_in(w.place) +
            (times > 1 ? " (" + std::to_string(times) + " times)" : "") + "\n";
  }
  return text;
}

} // namespace torc::detail
