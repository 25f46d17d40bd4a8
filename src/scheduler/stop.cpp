// SPDX-License-Identifier: MIT
#include "scheduler/stop.hpp"

#include <mutex>
#include <torc/group.hpp>

#include "scheduler/scheduler.hpp"

namespace torc {
namespace detail {

constinit std::atomic<bool> anything_stopped{false};

void watch_list::add(stop_watch& w) noexcept {
  const std::lock_guard locked(lock_);
  w.list = this;
  w.previous = nullptr;
  w.next = first_;
  if (first_ != nullptr) {
    first_->previous = &w;
  }
  first_ = &w;
}

void watch_list::remove(stop_watch& w) noexcept {
  const std::lock_guard locked(lock_);
  if (w.next != nullptr) {
    w.next->previous = w.previous;
  }
  (w.previous != nullptr ? w.previous->next : first_) = w.next;
}

void watch_list::notice(std::vector<std::stop_source>& sources) noexcept {
  const std::lock_guard locked(lock_);
  for (stop_watch* w = first_; w != nullptr; w = w->next) {
    if (!find_stopped(w->scope)) {
      continue;
    }
    if (w->waits != nullptr) {
      w->waits->post();
    } else if (!w->source.stop_requested()) {
      sources.push_back(w->source);
    }
  }
}

namespace {

constinit thread_local stop_scope* current_outside = nullptr;

/// Of stop tokens without a session.
watch_list outside_watches;

} // namespace

stop_scope* outside_scope() noexcept { return current_outside; }
stop_scope* change_outside_scope(stop_scope* to) noexcept {
  return std::exchange(current_outside, to);
}

stop_scope* this_scope() noexcept {
  if (worker* const w = this_worker()) {
    stop_scope* const s = w->own.running->scope;
    return s != nullptr ? s : &w->owner.root;
  }
  scheduler* const s = current_scheduler();
  return s != nullptr ? &s->root : outside_scope();
}

bool find_stopped(stop_scope* s) noexcept {
  for (; s != nullptr; s = s->parent) {
    if (s->state.load(std::memory_order_acquire) != stop_state::going) {
      return true;
    }
    if (s->is == stop_scope::kind::remote && current_scheduler()->outer->stopped_at_home(*s)) {
      return true;
    }
  }
  return false;
}

void stop(stop_scope& s, stop_state why) noexcept {
  stop_state before = stop_state::going;
  while (before < why && !s.state.compare_exchange_strong(before, why)) {
  }
  if (before >= why) {
    return;
  }
  anything_stopped.store(true);
  if (before != stop_state::going) {
    return;
  }
  const session_use session; // a future may outlive it
  if (scheduler* const all = current_scheduler()) {
    all->spread_stop();
  } else {
    std::vector<std::stop_source> sources;
    outside_watches.notice(sources);
    for (std::stop_source& source : sources) {
      source.request_stop();
    }
  }
}

void throw_if_stopped() {
  // Threads that are no workers may wait for futures while the session ends: they do not look at
  // it.
  stop_scope* s = this_worker() != nullptr ? this_scope() : outside_scope();
  if (!find_stopped(s)) {
    return;
  }
  // The task that has opened a group that failed is told why.
  for (; s != nullptr && s->is == stop_scope::kind::group; s = s->parent) {
    auto& g = static_cast<group_scope&>(*s);
    if (g.opener != this_fiber()) {
      break;
    }
    if (s->state.load(std::memory_order_acquire) != stop_state::going) {
      g.rethrow();
    }
  }
  throw cancelled();
}

void wait_or_stop(baton& b, const char* what, std::uintptr_t awaited,
                  std::uintptr_t place) noexcept {
  worker* const w = this_worker();
  if (w == nullptr) {
    b.wait(what, awaited, place);
    return;
  }
  stop_watch me{.scope = this_scope(), .waits = &b};
  watch_list& list = w->watches; // the task may go on on another worker
  list.add(me);
  if (!is_stopped(me.scope)) {
    b.wait(what, awaited, place);
  }
  list.remove(me);
}

void stop_scope::remove_token() noexcept {
  token->list->remove(*token);
  delete std::exchange(token, nullptr);
}

const std::exception_ptr& cancelled_error() noexcept {
  static const std::exception_ptr error = std::make_exception_ptr(cancelled());
  return error;
}

} // namespace detail

std::stop_token stop_token() {
  using namespace detail;
  stop_scope* const at_once = this_worker() == nullptr ? outside_scope() : nullptr;
  stop_scope* const s = at_once != nullptr ? at_once : this_scope();
  if (s == nullptr) {
    return {};
  }
  static spinlock lock; // tasks of one scope may ask at once
  std::stop_source source(std::nostopstate);
  {
    const std::lock_guard locked(lock);
    if (s->token == nullptr) {
      s->token = new stop_watch{.scope = s, .source = std::stop_source()};
      scheduler* const session = current_scheduler();
      (session != nullptr ? session->workers.front()->watches : outside_watches).add(*s->token);
    }
    source = s->token->source;
  }
  if (is_stopped(s)) { // perhaps before we were on the list
    source.request_stop();
  }
  return source.get_token();
}

} // namespace torc
