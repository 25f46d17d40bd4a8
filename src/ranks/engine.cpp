// SPDX-License-Identifier: MIT
#include "ranks/engine.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "scheduler/scheduler.hpp"

namespace torc::detail {
namespace {

std::vector<int> host_numbers(const std::vector<std::string>& names) {
  std::vector<int> numbers;
  for (const std::string& name : names) {
    numbers.push_back(
        static_cast<int>(std::find(names.begin(), names.end(), name) - names.begin()));
  }
  return numbers;
}

/// Whether the calling worker, if it is one, has a fiber that is ready.
bool about_to_go_on() noexcept {
  const worker* const here = this_worker();
  return here != nullptr && here->shared.mine.load(std::memory_order_relaxed) != 0;
}

message_kind kind_of(const message& m) noexcept {
  return static_cast<message_kind>(m.head.front()); // of the header
}

} // namespace

rank_engine* current_engine() noexcept {
  const scheduler* const s = current_scheduler();
  return s != nullptr ? static_cast<rank_engine*>(s->outer) : nullptr;
}

rank_engine::rank_engine(scheduler& s, transport& t, std::vector<std::string> names, events e)
    : rank(t.rank()),
      hosts(std::move(names)),
      scheduler_(s),
      transport_(t),
      events_(std::move(e)),
      host_map_(host_numbers(hosts)),
      protocol_(*this, rank, host_map_, 1),
      page_(*t.page(rank)),
      forced_(s.workers.size()),
      heard_(hosts.size()),
      lost_(hosts.size()) {
  protocol_.enable_stealing(s.config.stealing);
  scheduler_.outer = this;
  helper_ = std::thread([this] { help(); });
}

rank_engine::~rank_engine() {
  ending_.store(true);
  ring(page_);
  helper_.join();
  scheduler_.outer = nullptr;
}

// Looking at messages.

void rank_engine::poll() noexcept { progress(false); }
void rank_engine::seek() noexcept {
  const int quiet = quiet_polls_.load(std::memory_order_relaxed);
  if (quiet > 0) {
    quiet_polls_.store(quiet - 1, std::memory_order_relaxed);
  }
  if (!token_.load(std::memory_order_relaxed)) { // it will be back, so it leaves no note
    progress(quiet == 0);
  }
}

// A sender that sees a poller does not wake or interrupt anybody: the poller looks once more after
// it has said that it is none.
void rank_engine::search_begins() noexcept { page_.pollers.fetch_add(1); }
void rank_engine::search_ends() noexcept {
  page_.pollers.fetch_sub(1);
  progress(false);
}

/// Whom we have asked may sit in a long task; its helper can answer.
void rank_engine::insist() noexcept {
  if (const int victim = asked_.load(std::memory_order_relaxed); victim >= 0) {
    if (rank_page* const page = transport_.page(victim)) {
      ring(*page);
    }
  }
}

/// Whoever finds the token taken leaves a note, which its holder reads after giving it back.
void rank_engine::progress(bool ask) noexcept {
  once_more_.store(true);
  while (once_more_.load() && !token_.exchange(true)) {
    once_more_.store(false);
    try {
      advance(ask);
    } catch (const std::exception& e) {
      std::fprintf(stderr, "torc: rank %d on %s ends the job: %s\n", rank,
                   hosts[static_cast<std::size_t>(rank)].c_str(), e.what());
      ends_the_job();
      std::fflush(nullptr);
      std::_Exit(1);
    }
    token_.store(false);
  }
}

void rank_engine::advance(bool ask) {
  const auto send_posted = [this] {
    std::vector<posted> out;
    {
      const std::lock_guard locked(post_lock_);
      out.swap(posted_);
    }
    for (posted& p : out) {
      send_now(p.to, std::move(p.m));
    }
  };
  send_posted();
  transport_.poll(*this);
  for (std::size_t i = 0; i < arrived_.size(); ++i) { // it may grow
    arrival a = std::move(arrived_[i]);
    if (!protocol_.is_lost(a.from)) { // since it arrived
      handle(a);
    }
  }
  arrived_.clear();
  if (wants_to_leave_.load(std::memory_order_relaxed)) {
    protocol_.leave(); // each time: what this rank waited for may have come from itself
  }
  if (ask && hungry() && !about_to_go_on()) { // something may just have come
    protocol_.hungry();
  }
  if (protocol_.wanted()) {
    protocol_.offer();
  }
  if (collective_.failed >= 0) {
    expect_end_of_collective();
  }
  if (scheduler_.config.round_trip) {
    while (give(rank, false) > 0) {
    }
  }
  if (closing_) {
    await_guests();
  }
  asked_.store(protocol_.asked(), std::memory_order_relaxed);
  const bool wanted_now = protocol_.wanted();
  if (wanted_now != wanted()) {
    wanted_.store(wanted_now, std::memory_order_relaxed);
    if (wanted_now) {
      set_guards(page_);
    }
  }
  send_posted();
  if (!arrived_.empty()) {
    once_more_.store(true); // from ourselves
  }
  if (!touched_.empty()) {
    transport_.flush();
    for (const int to : touched_) {
      notify(to);
    }
    touched_.clear();
    urgent_ = false;
  }
  const bool moving_now = transport_.moving();
  if (moving_now != moving()) {
    moving_.store(moving_now, std::memory_order_relaxed);
    if (moving_now && page_.asleep.load() != 0) {
      ring(page_); // the helper is to look more often
    }
  }
}

void rank_engine::receive(arrival&& a) {
  if (!protocol_.is_lost(a.from)) { // what it has sent may be about tasks that run again
    heard_[static_cast<std::size_t>(a.from)] = clock::now();
    news_.store(true, std::memory_order_relaxed);
    arrived_.push_back(std::move(a));
  }
}

void rank_engine::handle(arrival& a) {
  reader r(a.head, a.block_sizes);
  const inline_section no_blocks(r, a.from == rank || survive()); // as in `send_home`
  const auto h = r.get<header>();
  const auto expect_from = [](bool right) {
    if (!right) {
      throw bad_message("torc: received a message from a rank that should not send it");
    }
  };
  switch (h.what) {
  case message_kind::tasks:
  case message_kind::submission:
    accept_tasks(a, r, h);
    break;
  case message_kind::result:
    accept_result(a, r);
    break;
  case message_kind::stop:
    accept_stop(a.from, r);
    break;
  case message_kind::collective:
    expect_from(rank == 0);
    collective_.queue.emplace_back(h, bytes(r.rest().begin(), r.rest().end()));
    start_collective();
    break;
  case message_kind::run:
    expect_from(a.from < rank && protocol::is_above(a.from, rank) && collective_.unfinished == 0);
    collective_.asked_by = a.from;
    run_collective(r, h);
    break;
  case message_kind::ran:
    if (h.value != 0) {
      expect_from(rank == 0);
      part_failed(a.from, r);
      break;
    }
    expect_from(protocol::is_above(rank, a.from) && collective_.unfinished > 0);
    collective_ended(r);
    break;
  case message_kind::end: {
    expect_from(a.from == 0);
    const std::lock_guard locked(end_lock_);
    ends_[h.count] = static_cast<int>(h.value);
    if (end_waiter_ != nullptr) {
      std::exchange(end_waiter_, nullptr)->post();
    }
    break;
  }
  case message_kind::goodbye:
    expect_from(rank == 0);
    gathered_.push_back(r.get<rank_statistics>());
    break;
  case message_kind::passed_on: {
    const auto slot = r.get<std::uint32_t>();
    const auto generation = r.get<std::uint64_t>();
    const auto to = static_cast<int>(h.value);
    expect_from(to >= 0 && to < transport_.size());
    away_.passed_on(slot, generation, to);
    if (protocol_.is_lost(to)) {
      make_good(to);
    }
    break;
  }
  case message_kind::lost: {
    const auto lost = static_cast<int>(h.value);
    expect_from((a.from == rank || (survive() && (a.from == 0 || rank == 0))) && lost >= 0 &&
                lost < transport_.size() && lost != rank);
    lose(lost);
    break;
  }
  case message_kind::signal:
    expect_from(h.value == SIGUSR1 ? a.from == 0 : rank == 0 && h.value < 128);
    events_.signalled(static_cast<int>(h.value));
    break;
  case message_kind::beat:
    if (a.from == rank) {
      beat(h.value != 0);
    }
    break;
  case message_kind::request:
  case message_kind::lifeline:
  case message_kind::refusal:
  case message_kind::withdrawal:
  case message_kind::close:
  case message_kind::probe:
  case message_kind::rest:
    break;
  default:
    throw bad_message("torc: a received message is of no known kind");
  }
  protocol_.seen(h.what);
  if (a.from != rank) {
    protocol_.received(a.from, h);
  }
}

// Sending.

/// A message's beginning. The load is a hint to those who look for work.
bytes rank_engine::head_of(header h) const {
  h.load = load_hint(available());
  bytes head(sizeof h);
  std::memcpy(head.data(), &h, sizeof h);
  return head;
}

void rank_engine::send_now(int to, message&& m) {
  protocol_.sent(kind_of(m));
  if (to == rank) {
    arrived_.push_back({.from = rank, .head = std::move(m.head), .block_sizes = {}});
    return;
  }
  if (protocol_.is_lost(to)) { // a task in it is away from us, or its home hears where it went
    make_good(to);
    return;
  }
  ++messages_;
  news_.store(true, std::memory_order_relaxed);
  bytes_ += m.head.size();
  for (const auto& block : m.blocks) {
    bytes_ += block.size();
  }
  transport_.send(to, std::move(m));
  if (std::find(touched_.begin(), touched_.end(), to) == touched_.end()) {
    touched_.push_back(to);
  }
}

/// From any thread; `body` comes after the header.
void rank_engine::post(int to, header h, writer&& body, std::shared_ptr<void> owner) {
  posted p{.to = to,
           .m = {.head = head_of(h), .blocks = body.take_blocks(), .owner = std::move(owner)}};
  p.m.head.insert(p.m.head.end(), body.bytes().begin(), body.bytes().end());
  const std::lock_guard locked(post_lock_);
  posted_.push_back(std::move(p));
}

/// Makes rank `to` look at its messages soon.
void rank_engine::notify(int to) noexcept {
  rank_page* const page = transport_.page(to);
  if (page == nullptr || page->pollers.load() != 0) {
    return;
  }
  if (urgent_ || page->asleep.load() != 0) {
    ring(*page);
  }
  set_guards(*page);
}

/// Has every worker there serve at its next spawn or join.
void rank_engine::set_guards(rank_page& page) noexcept {
  for (std::uint32_t i = 0; i < page.workers; ++i) {
    page.fronts()[i].guard.store(true, std::memory_order_relaxed);
  }
}

// What the protocol asks for.

void rank_engine::send(int to, header h) {
  message m{.head = head_of(h), .blocks = {}, .owner = {}};
  if (h.what == message_kind::goodbye) {
    writer w;
    w.put(own_statistics());
    m.head.insert(m.head.end(), w.bytes().begin(), w.bytes().end());
  }
  send_now(to, std::move(m));
  if (h.what == message_kind::lifeline) { // it will not be asked again, and may sit in a long task
    urgent_ = true;
  }
}

bool rank_engine::hungry() { return spare() < 0; }
/// Tasks of others, which nobody else may wait for any more: one that runs again elsewhere, since a
/// rank was lost; or a call of all ranks by such a one, on the root. And what has been submitted
/// since `drain` where it is no task's child.
bool rank_engine::outstanding() {
  return guests_.load() > 0 || collective_.running || scheduler_.outside.pending.load() > 0;
}

} // namespace torc::detail
