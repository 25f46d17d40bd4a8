// SPDX-License-Identifier: MIT
#include "scheduler/submit_counter.hpp"

#include <mutex>
#include <torc/group.hpp>
#include <utility>

#include "scheduler/stop.hpp"
#include "scheduler/worker.hpp"

namespace torc::detail {
namespace {
/// Whoever cancels a task knows. One that had failed by then has not ended so.
bool stopped_by_hand(const submitted& s) noexcept {
  return s.state.load(std::memory_order_relaxed) == stop_state::cancelled &&
         s.error == cancelled_error();
}
} // namespace

submit_counter::submit_counter(descriptor* parent) noexcept {
  submits = 1;
  std::construct_at(&shared);
  shared.parent = parent;
}

void submit_counter::child_failed(submitted& child) noexcept {
  group_scope* const g = shared.parent != nullptr ? as_group(*shared.parent) : nullptr;
  if (g != nullptr && !stopped_by_hand(child)) {
    g->fail(child.error, &child);
  }
}

void submit_counter::child_ended(submitted& child) noexcept {
  // Where there is no parent to be told, its future's end reports what nobody has asked for.
  if (child.ended == outcome::error && shared.parent != nullptr) {
    retain(child);
    const std::lock_guard locked(lock_);
    child.shared.older = std::exchange(failed_, &child);
  }
  one_ended();
}

void submit_counter::one_ended() noexcept {
  if (pending.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    all_done_.post();
  }
}

std::exception_ptr submit_counter::wait_for_children() noexcept {
  if (pending.fetch_sub(1, std::memory_order_acq_rel) != 1) {
    all_done_.wait("its submitted children");
  }
  submitted* first = nullptr;
  for (descriptor* d = failed_; d != nullptr; d = d->shared.older) {
    auto* child = static_cast<submitted*>(d);
    if (!child->asked.load(std::memory_order_relaxed) && !stopped_by_hand(*child) &&
        (first == nullptr || child->number < first->number)) {
      first = child;
    }
  }
  std::exception_ptr first_error;
  if (first != nullptr) {
    first->asked.store(true, std::memory_order_relaxed);
    first_error = first->error;
  }
  while (failed_ != nullptr) {
    auto* child = static_cast<submitted*>(failed_);
    failed_ = child->shared.older;
    release(*child);
  }
  return first_error;
}

submit_counter& this_submit_counter() {
  worker& w = *this_worker();
  descriptor* d = w.own.head.load(std::memory_order_relaxed);
  while (!d->submits && d->claim.load(std::memory_order_relaxed) != claim_state::running) {
    d = d->prev;
  }
  if (d->submits) {
    return static_cast<submit_counter&>(*d);
  }
  auto* counter = new submit_counter(d);
  if (d->awaited_as == await_kind::directly) {
    d->awaited_as = await_kind::after_submits;
  }
  enter(w.own, *counter);
  return *counter;
}

std::exception_ptr join_submitted() noexcept {
  worker* w = this_worker();
  if (w == nullptr) {
    return nullptr;
  }
  descriptor* d = w->own.head.load(std::memory_order_relaxed);
  if (d == nullptr || !d->submits) {
    return nullptr;
  }
  auto* counter = static_cast<submit_counter*>(d);
  std::exception_ptr error = counter->wait_for_children();
  pop(*this_front(), *counter);
  delete counter;
  return error;
}

} // namespace torc::detail
