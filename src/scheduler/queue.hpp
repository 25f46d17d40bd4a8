// SPDX-License-Identifier: MIT
#pragma once

#include "fiber/fiber.hpp"
#include <bit>
#include <torc/detail/descriptor.hpp>
#include <torc/detail/spinlock.hpp>
#include <torc/placement.hpp>

namespace torc::detail {

/// Tasks in order of age, linked through their shared part.
class task_list {
public:
  bool empty() const noexcept { return oldest_ == nullptr; }
  descriptor* oldest() const noexcept { return oldest_; }
  descriptor* newest() const noexcept { return newest_; }

  /// Puts `d` just below `above` in age; with null, makes it the newest.
  void insert_below(descriptor* above, descriptor& d) noexcept {
    descriptor* below = above != nullptr ? above->shared.older : newest_;
    d.shared.newer = above;
    d.shared.older = below;
    (above != nullptr ? above->shared.older : newest_) = &d;
    (below != nullptr ? below->shared.newer : oldest_) = &d;
  }
  void remove(descriptor& d) noexcept {
    descriptor* const older = d.shared.older;
    descriptor* const newer = d.shared.newer;
    (older != nullptr ? older->shared.newer : oldest_) = newer;
    (newer != nullptr ? newer->shared.older : newest_) = older;
  }

private:
  descriptor* oldest_ = nullptr;
  descriptor* newest_ = nullptr;
};

/// Submitted tasks: a list for every level of priority.
class leveled_list {
public:
  bool empty() const noexcept { return used_ == 0; }
  /// The oldest one of the highest level.
  descriptor* first() const noexcept { return first_below(levels); }
  /// The one that comes next.
  descriptor* after(const descriptor& d) const noexcept {
    return d.shared.newer != nullptr ? d.shared.newer : first_below(d.level);
  }

  void add(descriptor& d) noexcept {
    lists_[d.level].insert_below(nullptr, d);
    used_ |= 1u << d.level;
  }
  void remove(descriptor& d) noexcept {
    task_list& list = lists_[d.level];
    list.remove(d);
    if (list.empty()) {
      used_ &= ~(1u << d.level);
    }
  }

private:
  descriptor* first_below(int level) const noexcept {
    const unsigned used = used_ & ((1u << level) - 1);
    return used != 0 ? lists_[std::bit_width(used) - 1].oldest() : nullptr;
  }

  task_list lists_[levels];
  unsigned used_ = 0; ///< a bit for every list that is not empty
};

/// What other threads may take from a worker, under one lock. Thieves take the oldest task, which
/// is the largest in a recursion; the owner takes the newest child, whose data is still in cache.
struct alignas(64) queue {
  spinlock lock;
  atomic<std::uint32_t> available{0}; ///< children + inbox, readable without the lock
  atomic<std::uint32_t> mine{0};      ///< pinned tasks and ready fibers, for this worker only
  task_list children;                 ///< published children
  leveled_list inbox;                 ///< submitted tasks
  leveled_list pinned;                ///< submitted tasks that must run here

  /// Whether thieves need not look here; a hint.
  bool looks_empty() const noexcept { return available.load(std::memory_order_relaxed) == 0; }

  // All below: with the lock held.

  void add(leveled_list& list, descriptor& d) noexcept {
    d.shared.home.store(this, std::memory_order_relaxed);
    list.add(d);
    count(counter_of(list), 1);
  }
  /// A published child that has been taken and not run.
  void put_back(descriptor& child) noexcept {
    child.shared.home.store(this, std::memory_order_relaxed);
    children.insert_below(nullptr, child);
    count(available, 1);
  }
  /// Null stays null. Afterwards whoever called owns the task.
  template <class List>
  descriptor* take(List& list, descriptor* d) noexcept {
    if (d != nullptr) {
      list.remove(*d);
      count(counter_of(list), -1);
      d->shared.home.store(nullptr, std::memory_order_release);
    }
    return d;
  }
  descriptor* take_for_thief() noexcept {
    if (descriptor* d = take(children, children.oldest())) {
      return d;
    }
    return take(inbox, inbox.first());
  }
  /// The oldest child that may leave the process; not one that would be skipped.
  descriptor* take_child_for_rank() noexcept {
    int looked_at = 0;
    for (descriptor* d = children.oldest(); d != nullptr && looked_at < most_passed_over;
         d = d->shared.newer, ++looked_at) {
      const descriptor* const parent = d->shared.parent;
      if (d->type->remote != nullptr && !d->stays &&
          (parent == nullptr || !parent->child_failed.load(std::memory_order_relaxed))) {
        return take(children, d);
      }
    }
    return nullptr;
  }
  /// The first submitted task that may leave the process.
  descriptor* take_submitted_for_rank() noexcept {
    int looked_at = 0;
    for (descriptor* d = inbox.first(); d != nullptr && looked_at < most_passed_over;
         d = inbox.after(*d), ++looked_at) {
      if (d->type->remote != nullptr && !d->stays) {
        return take(inbox, d);
      }
    }
    return nullptr;
  }
  descriptor* take_for_owner() noexcept {
    if (descriptor* d = take(children, children.newest())) {
      return d;
    }
    return take(inbox, inbox.first());
  }

  /// Moves all pending entries of the owner's stack into `children`. The caller is the owner, or
  /// has set the guard and passed a heavy barrier. Each entry is visited once in its life: below
  /// the first one already seen there is nothing left to publish.
  void publish(front& f) noexcept {
    descriptor* above = nullptr; // where the next one goes in
    std::uint32_t orphans = 0;   // published ones that have not met their parent yet
    for (descriptor* d = f.head.load(std::memory_order_acquire); d != nullptr; d = d->prev) {
      const bool claimed = d->claim.load(std::memory_order_relaxed) != claim_state::pending;
      const bool seen = d->seen.load(std::memory_order_relaxed) != visibility::owner_only;
      if (claimed || seen) {
        descriptor* parent = claimed && !d->submits ? d : seen ? d->shared.parent : nullptr;
        if (parent != nullptr) {
          for (descriptor* child = above; orphans > 0; --orphans, child = child->shared.newer) {
            child->shared.parent = parent;
          }
        }
        if (seen) {
          return;
        }
        d->seen.store(visibility::passed, std::memory_order_relaxed);
        continue;
      }
      std::construct_at(&d->shared);
      d->within = f.running != nullptr ? f.running->scope : nullptr;
      d->shared.home.store(this, std::memory_order_relaxed);
      children.insert_below(above, *d);
      count(available, 1);
      d->seen.store(visibility::published, std::memory_order_relaxed);
      above = d;
      ++orphans;
    }
  }

private:
  static constexpr int most_passed_over = 64; // the lock is held meanwhile

  atomic<std::uint32_t>& counter_of(const task_list&) noexcept { return available; }
  atomic<std::uint32_t>& counter_of(const leveled_list& list) noexcept {
    return &list == &pinned ? mine : available;
  }
  static void count(atomic<std::uint32_t>& counter, int by) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + static_cast<std::uint32_t>(by),
                  std::memory_order_relaxed);
  }
};

} // namespace torc::detail
