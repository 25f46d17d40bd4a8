// SPDX-License-Identifier: MIT
#include "ranks/engine.hpp"

#include <algorithm>
#include <chrono>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <linux/futex.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ranks/exception.hpp"
#include "scheduler/scheduler.hpp"

namespace torc::detail {
namespace {

/// How often the helper looks while tasks run.
constexpr std::chrono::microseconds busy_period{500};
/// How long it sleeps when nothing runs; those of this host ring, others do not.
constexpr std::chrono::milliseconds idle_period{100}, idle_period_far{2};
/// How long while large messages come or go.
constexpr std::chrono::microseconds moving_period{20};
/// A message of tasks is filled up to here.
constexpr std::size_t full_message = 3500;
/// How many ticks a worker that has been forced and does not serve is left alone. Not for ever: it
/// may have served and been asked again unseen, and have new children of its own before that.
constexpr int ticks_of_rest = 4;

/// The bell may be rung by another process, so these are not the private kind.
void futex_wait(atomic<std::uint32_t>& word, std::uint32_t value,
                std::chrono::nanoseconds limit) noexcept {
  const timespec t{limit.count() / 1'000'000'000, limit.count() % 1'000'000'000};
  syscall(SYS_futex, &word, FUTEX_WAIT, value, &t, nullptr, 0);
}

std::vector<int> host_numbers(const std::vector<std::string>& names) {
  std::vector<int> numbers;
  for (const std::string& name : names) {
    numbers.push_back(
        static_cast<int>(std::find(names.begin(), names.end(), name) - names.begin()));
  }
  return numbers;
}

} // namespace

void ring(rank_page& page) noexcept {
  page.bell.fetch_add(1);
  syscall(SYS_futex, &page.bell, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

rank_engine* current_engine() noexcept {
  const scheduler* const s = current_scheduler();
  return s != nullptr ? static_cast<rank_engine*>(s->outer) : nullptr;
}

rank_engine::rank_engine(scheduler& s, transport& t, std::vector<std::string> names)
    : rank(t.rank()),
      hosts(std::move(names)),
      scheduler_(s),
      transport_(t),
      protocol_(*this, rank, host_numbers(hosts), 1),
      page_(*t.page(rank)),
      forced_(s.workers.size()) {
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
  if (!token_.load(std::memory_order_relaxed)) { // it will be back, so it leaves no note
    progress(true);
  }
}

// A sender that sees a poller does not wake or interrupt anybody: the poller looks once more after
// it has said that it is none.
void rank_engine::search_begins() noexcept { page_.pollers.fetch_add(1); }
void rank_engine::search_ends() noexcept {
  page_.pollers.fetch_sub(1);
  progress(false);
}

/// Whoever finds the token taken leaves a note, which its holder reads after giving it back.
void rank_engine::progress(bool ask) noexcept {
  again_.store(true);
  while (again_.load() && !token_.exchange(true)) {
    again_.store(false);
    try {
      advance(ask);
    } catch (const std::exception& e) {
      std::fprintf(stderr, "torc: rank %d on %s ends the job: %s\n", rank,
                   hosts[static_cast<std::size_t>(rank)].c_str(), e.what());
      std::_Exit(1);
    }
    token_.store(false);
  }
}

void rank_engine::advance(bool ask) {
  const auto send_posted = [this] {
    std::vector<posted> out;
    post_lock_.lock();
    out.swap(posted_);
    post_lock_.unlock();
    for (posted& p : out) {
      send_now(p.to, std::move(p.m));
    }
  };
  send_posted();
  transport_.poll(*this);
  for (std::size_t i = 0; i < arrived_.size(); ++i) { // it may grow
    arrival a = std::move(arrived_[i]);
    handle(a);
  }
  arrived_.clear();
  if (wants_to_leave_.load(std::memory_order_relaxed)) {
    protocol_.leave(); // each time: what this rank waited for may have come from itself
  }
  if (ask) {
    protocol_.hungry();
  }
  if (protocol_.wanted()) {
    protocol_.offer();
  }
  if (scheduler_.config.round_trip) {
    while (give(rank, false) > 0) {
    }
  }
  const bool wanted_now = protocol_.wanted();
  if (wanted_now != wanted()) {
    wanted_.store(wanted_now, std::memory_order_relaxed);
    if (wanted_now) {
      set_guards(page_);
    }
  }
  send_posted();
  if (!arrived_.empty()) {
    again_.store(true); // from ourselves
  }
  if (!touched_.empty()) {
    transport_.flush();
    for (const int to : touched_) {
      notify(to);
    }
    touched_.clear();
  }
  const bool moving_now = transport_.moving();
  if (moving_now != moving()) {
    moving_.store(moving_now, std::memory_order_relaxed);
    if (moving_now && page_.pollers.load() == 0) {
      ring(page_); // the helper is to look more often
    }
  }
}

void rank_engine::receive(arrival&& a) { arrived_.push_back(std::move(a)); }

void rank_engine::handle(arrival& a) {
  reader r(a.head, a.block_sizes);
  const inline_section no_blocks(r, a.from == rank); // as in `send_home`
  const auto h = r.get<header>();
  const auto expect_from = [&a](bool right) {
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
  case message_kind::collective:
    expect_from(rank == 0);
    collective_.queue.emplace_back(h, bytes(r.rest().begin(), r.rest().end()));
    start_collective();
    break;
  case message_kind::run:
    expect_from(a.from == protocol_.parent() && rank != 0 && collective_.unfinished == 0);
    run_collective(r, h);
    break;
  case message_kind::ran:
    expect_from((a.from == rank || protocol_.is_child(a.from)) && collective_.unfinished > 0);
    collective_ended(r);
    break;
  case message_kind::end:
    expect_from(a.from == (rank == 0 ? rank : protocol_.parent()));
    protocol_.for_children([&](int c) { send(c, h); });
    end_lock_.lock();
    ends_[h.count] = static_cast<int>(h.value);
    if (end_waiter_ != nullptr) {
      std::exchange(end_waiter_, nullptr)->post();
    }
    end_lock_.unlock();
    break;
  case message_kind::goodbye:
    expect_from(protocol_.is_child(a.from));
    for (std::size_t n = r.count(sizeof(rank_statistics)); n > 0; --n) {
      gathered_.push_back(r.get<rank_statistics>());
    }
    break;
  case message_kind::request:
  case message_kind::lifeline:
  case message_kind::refusal:
  case message_kind::close:
    break;
  default:
    throw bad_message("torc: a received message is of no known kind");
  }
  if (a.from != rank) {
    protocol_.received(a.from, h);
  }
}

// Sending.

/// A message's beginning. The load is a hint to those who look for work.
bytes rank_engine::head_of(header h) const {
  std::uint32_t load = 0;
  for (const auto& w : scheduler_.workers) {
    load += w->shared.available.load(std::memory_order_relaxed);
  }
  h.load = static_cast<std::uint8_t>(load == 0 ? 0 : 32 - __builtin_clz(load));
  bytes head(sizeof h);
  std::memcpy(head.data(), &h, sizeof h);
  return head;
}

void rank_engine::send_now(int to, message&& m) {
  if (to == rank) {
    arrived_.push_back({.from = rank, .head = std::move(m.head), .block_sizes = {}});
    return;
  }
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
  post_lock_.lock();
  posted_.push_back(std::move(p));
  post_lock_.unlock();
}

/// Makes rank `to` look at its messages soon.
void rank_engine::notify(int to) noexcept {
  rank_page* const page = transport_.page(to);
  if (page == nullptr || page->pollers.load() != 0) {
    return;
  }
  if (page->asleep.load() != 0) {
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
    gathered_.push_back(own_statistics());
    writer w;
    w.put(static_cast<std::uint64_t>(gathered_.size()));
    w.put(gathered_.data(), gathered_.size() * sizeof(rank_statistics));
    m.head.insert(m.head.end(), w.bytes().begin(), w.bytes().end());
  }
  send_now(to, std::move(m));
}

bool rank_engine::hungry() { return scheduler_.anybody_wants(); }
bool rank_engine::outstanding() { return !away_.empty(); }
void rank_engine::closed() {
  if (rank == 0) {
    gathered_.push_back(own_statistics());
    std::sort(gathered_.begin(), gathered_.end(),
              [](const auto& a, const auto& b) { return a.rank < b.rank; });
  }
  all_left_.post();
}

// Tasks as bytes: for each its home, how many bytes and blocks it takes, remote type and closure.

struct rank_engine::parcel {
  explicit parcel(bool to_oneself) : inline_only(to_oneself) {}

  const bool inline_only; ///< a message to oneself has no blocks
  writer w;
  std::uint16_t count = 0;
  std::shared_ptr<std::vector<std::unique_ptr<remote_task>>> owner;

  /// False if the task could not be saved; then it has failed.
  bool add(rank_engine& engine, descriptor& d) {
    const std::size_t begin = w.bytes().size(), first_block = w.blocks().size();
    const bool passed_on = d.type->finish == &finish_remote;
    try {
      writer body;
      const inline_section no_blocks(body, inline_only);
      save_remote_type(body, *d.type->remote);
      d.type->save(d, body);
      w.put(passed_on ? static_cast<remote_task&>(d).home : engine.away_.add(engine.rank, d));
      w.put(static_cast<std::uint32_t>(body.bytes().size()));
      w.put(static_cast<std::uint32_t>(body.blocks().size()));
      w.put(body.bytes().data(), body.bytes().size());
      for (const auto& block : body.blocks()) {
        w.put_block(block.data(), block.size());
      }
    } catch (...) {
      w.truncate(begin, first_block);
      if (!passed_on && d.type->take_result != nullptr) {
        d.type->take_result(d, nullptr);
      }
      d.fail(std::current_exception());
      d.type->finish(d);
      return false;
    }
    if (passed_on) { // its bytes are all that is needed of it, and blocks until they are sent
      std::unique_ptr<remote_task> task(&static_cast<remote_task&>(d));
      if (w.blocks().size() != first_block) {
        if (!owner) {
          owner = std::make_shared<std::vector<std::unique_ptr<remote_task>>>();
        }
        owner->push_back(std::move(task));
      }
    }
    ++count;
    return true;
  }
};

/// How many public tasks there are beyond those that idle workers of ours are about to take.
/// Without this, ranks that are short of work send the same few tasks back and forth.
int rank_engine::spare() const noexcept {
  int available = 0;
  for (const auto& w : scheduler_.workers) {
    available += static_cast<int>(w->shared.available.load(std::memory_order_relaxed));
  }
  return available - scheduler_.idle();
}

/// A task that may go elsewhere: the oldest child, which is the largest in a recursion, or the
/// oldest submitted one. Null if all queues are without.
descriptor* rank_engine::take_for_rank(bool& submitted) {
  for (const auto& w : scheduler_.workers) {
    queue& q = w->shared;
    if (q.looks_empty()) {
      continue;
    }
    q.lock.lock();
    descriptor* d = q.take_child_for_rank();
    submitted = d == nullptr;
    if (submitted) {
      d = q.take_submitted_for_rank();
    }
    q.lock.unlock();
    if (d != nullptr) {
      return d;
    }
  }
  return nullptr;
}

/// Makes public what workers keep to themselves, unless that has been done just now.
void rank_engine::publish_by_force() {
  for (std::size_t i = 0; i < scheduler_.workers.size(); ++i) {
    worker& w = *scheduler_.workers[i];
    if (&w != this_worker() && forced_[i] == 0) {
      scheduler_.force_publication(w);
      w.own.guard.store(true, std::memory_order_relaxed);
      forced_[i] = ticks_of_rest;
    }
  }
}

/// One child; or half of the submitted tasks, which are many and alike.
int rank_engine::give(int to, bool answer) {
  const bool to_oneself = to == rank;
  bool forced = !to_oneself && spare() <= 0;
  if (forced) {
    publish_by_force();
  }
  parcel p(to_oneself);
  const int most = to_oneself ? 1 : spare();
  for (bool submitted = false; p.count < (submitted ? most / 2 + 1 : std::min(most, 1)) &&
                               p.w.bytes().size() < full_message;) {
    descriptor* const d = take_for_rank(submitted);
    if (d != nullptr) {
      p.add(*this, *d);
    } else if (p.count == 0 && !std::exchange(forced, true)) { // what is public cannot travel
      publish_by_force();
    } else {
      break;
    }
  }
  if (p.count > 0) {
    post(to, {.what = message_kind::tasks, .count = p.count, .value = answer}, std::move(p.w),
         p.owner);
  }
  return p.count;
}

void rank_engine::ship(submitted& s, int to, int q, bool pinned) {
  parcel p(false);
  p.w.put(static_cast<std::int32_t>(q));
  p.w.put(static_cast<std::uint8_t>(pinned));
  if (p.add(*this, s)) {
    post(to, {.what = message_kind::submission, .count = 1}, std::move(p.w), p.owner);
    progress(false);
  }
}

void rank_engine::accept_tasks(arrival& a, reader& r, header h) {
  int q = -1;
  bool pinned = false;
  if (h.what == message_kind::submission) {
    q = r.get<std::int32_t>();
    pinned = r.get<std::uint8_t>() != 0;
  }
  std::vector<std::unique_ptr<remote_task>> tasks;
  std::vector<std::span<std::byte>> to;
  std::vector<bytes> dropped; // blocks of tasks that could not be loaded
  std::size_t first_block = 0;
  for (int i = 0; i < h.count; ++i) {
    const auto home = r.get<task_home>();
    const auto size = r.get<std::uint32_t>();
    const auto blocks = r.get<std::uint32_t>();
    if (!expected_home(home) || size > r.rest().size() ||
        blocks > a.block_sizes.size() - first_block) {
      throw bad_message("torc: a received task is longer than its message, or from nowhere");
    }
    const auto sizes = std::span<const std::size_t>(a.block_sizes).subspan(first_block, blocks);
    reader body(r.rest().first(size), sizes);
    r.skip(size);
    first_block += blocks;
    try {
      std::unique_ptr<remote_task> task(load_remote_type(body).load(body));
      body.expect_end();
      task->home = home;
      tasks.push_back(std::move(task));
      const auto places = body.take_destinations();
      to.insert(to.end(), places.begin(), places.end());
    } catch (...) {
      for (const std::size_t n : sizes) {
        to.emplace_back(dropped.emplace_back(n));
      }
      writer w;
      w.put(home.slot);
      w.put(home.generation);
      w.put(outcome::error);
      save_exception(w, std::current_exception(), rank, hosts[static_cast<std::size_t>(rank)]);
      post(home.rank, {.what = message_kind::result}, std::move(w));
    }
  }
  if (!r.rest().empty() || to.size() != a.block_sizes.size()) {
    throw bad_message("torc: a message of tasks is longer than these");
  }
  (hosts[static_cast<std::size_t>(a.from)] == hosts[static_cast<std::size_t>(rank)] ? near_
                                                                                    : far_) +=
      h.what == message_kind::tasks ? h.count : 0;
  const auto all = std::make_shared<decltype(tasks)>(std::move(tasks));
  const auto sink = std::make_shared<decltype(dropped)>(std::move(dropped));
  when_complete(a, std::move(to), [this, all, sink, q, pinned] {
    for (auto& t : *all) {
      enqueue(*t.release(), q, pinned);
    }
  });
}

/// Whether a task may come from there. One of ours has been stolen back.
bool rank_engine::expected_home(const task_home& home) {
  return home.rank == rank ? away_.has(home.slot, home.generation)
                           : home.rank >= 0 && home.rank < transport_.size();
}

/// Calls `done` when the blocks of the message are in their places.
void rank_engine::when_complete(arrival& a, std::vector<std::span<std::byte>> to,
                                std::function<void()> done) {
  if (a.block_sizes.empty()) {
    done();
  } else {
    transport_.fetch(a, std::move(to), std::move(done));
  }
}

void rank_engine::enqueue(remote_task& t, int q, bool pinned) {
  const worker* const here = this_worker();
  const int ours = static_cast<int>(scheduler_.workers.size());
  int local = q < 0 ? -1 : q - scheduler_.place.first_worker();
  if (local < 0 || local >= ours) {
    local = here != nullptr && !pinned ? here->id : scheduler_.next_local();
  }
  t.stays = scheduler_.config.round_trip; // once is enough
  scheduler_.send(t, local, pinned);
}

void finish_remote(descriptor& d) noexcept {
  current_engine()->send_home(static_cast<remote_task&>(d));
}

void rank_engine::send_home(remote_task& t) noexcept {
  std::shared_ptr<remote_task> owner(&t);
  const int home = t.home.rank;
  writer w;
  const inline_section no_blocks(w, home == rank); // a message to oneself has none
  w.put(t.home.slot);
  w.put(t.home.generation);
  if (t.ended == outcome::value) {
    const std::size_t size = w.bytes().size();
    try {
      w.put(outcome::value);
      t.save_result(w);
    } catch (...) {
      w.truncate(size, 0);
      w.put(outcome::error);
      save_exception(w, std::current_exception(), rank, hosts[static_cast<std::size_t>(rank)]);
    }
  } else {
    w.put(outcome::error);
    save_exception(w, t.take_error(), rank, hosts[static_cast<std::size_t>(rank)]);
  }
  const bool keep = !w.blocks().empty();
  post(home, {.what = message_kind::result}, std::move(w), keep ? std::move(owner) : nullptr);
  progress(false);
}

void rank_engine::accept_result(arrival& a, reader& r) {
  const auto slot = r.get<std::uint32_t>();
  const auto generation = r.get<std::uint64_t>();
  const auto ended = r.get<std::uint8_t>();
  if (ended != static_cast<std::uint8_t>(outcome::value) &&
      ended != static_cast<std::uint8_t>(outcome::error)) {
    throw bad_message("torc: a received result is neither a value nor an exception");
  }
  descriptor* const d = away_.take(slot, generation);
  if (d == nullptr) {
    throw bad_message("torc: received a result that nobody waits for");
  }
  std::vector<std::span<std::byte>> to;
  std::vector<bytes> dropped; // blocks of a result that could not be loaded
  try {
    if (ended == static_cast<std::uint8_t>(outcome::error)) {
      std::exception_ptr error = load_exception(r);
      d->type->take_result(*d, nullptr);
      d->fail(std::move(error));
    } else {
      d->type->take_result(*d, &r);
      r.expect_end();
      to = r.take_destinations();
    }
  } catch (...) { // the result's own loading failed
    if (d->ended == outcome::value) {
      throw;
    }
    d->type->take_result(*d, nullptr);
    d->fail(std::current_exception());
    for (const std::size_t n : a.block_sizes) {
      to.emplace_back(dropped.emplace_back(n));
    }
  }
  if (to.size() != a.block_sizes.size()) {
    throw bad_message("torc: a received result has blocks that belong nowhere");
  }
  const auto sink = std::make_shared<decltype(dropped)>(std::move(dropped));
  when_complete(a, std::move(to), [d, sink] { d->type->finish(*d); });
}

// Helping.

/// The helper sleeps until somebody rings, or for a period: short while tasks run, in which nobody
/// looks at messages, long when nothing runs.
void rank_engine::help() {
  use_scheduler(scheduler_);
  prctl(PR_SET_TIMERSLACK, 1000);
  const bool alone =
      std::count(hosts.begin(), hosts.end(), hosts[static_cast<std::size_t>(rank)]) ==
      static_cast<long>(hosts.size());
  for (std::uint32_t heard = page_.bell.load(); !ending_.load(); heard = page_.bell.load()) {
    if (scheduler_.all_asleep()) {
      page_.asleep.store(1);
      progress(true); // a sender that does not see us asleep has sent before this
      const std::chrono::microseconds limit = alone ? idle_period : idle_period_far;
      futex_wait(page_.bell, heard, moving() ? moving_period : limit);
      page_.asleep.store(0);
    } else {
      futex_wait(page_.bell, heard,
                 moving() && page_.pollers.load() == 0 ? moving_period : busy_period);
    }
    if (page_.pollers.load() == 0) {
      tick();
    }
  }
}

/// Workers that have not served since the last tick sit in a long task: what they keep to
/// themselves can be had by force only.
void rank_engine::tick() {
  progress(scheduler_.all_asleep());
  if (!token_.exchange(true)) {
    const bool wanted = protocol_.wanted();
    for (std::size_t i = 0; i < scheduler_.workers.size(); ++i) {
      atomic<bool>& guard = scheduler_.workers[i]->own.guard;
      forced_[i] = std::max(0, forced_[i] - 1);
      if (!guard.load(std::memory_order_relaxed)) {
        forced_[i] = 0;
        if (wanted) {
          guard.store(true, std::memory_order_relaxed);
        }
      }
    }
    token_.store(false);
    progress(false);
  }
}

// Beginning and ending.

void rank_engine::end_launch(int exit_code) {
  const header h{.what = message_kind::end,
                 .count = launches_++,
                 .value = static_cast<std::uint32_t>(exit_code)};
  post(rank, h, writer());
  progress(false);
}

int rank_engine::await_end() {
  const std::uint16_t launch = launches_++;
  for (;;) { // the next one's end may come first
    baton ended;
    end_lock_.lock();
    const auto found = ends_.extract(launch);
    end_waiter_ = found.empty() ? &ended : nullptr;
    end_lock_.unlock();
    if (!found.empty()) {
      return found.mapped();
    }
    ended.wait();
  }
}

void rank_engine::leave() {
  wants_to_leave_.store(true);
  progress(false);
  all_left_.wait();
}

rank_statistics rank_engine::own_statistics() const {
  rank_statistics s;
  s.rank = rank;
  s.workers = static_cast<std::int32_t>(scheduler_.workers.size());
  for (const auto& w : scheduler_.workers) {
    s.executed += w->own.tasks_run.load(std::memory_order_relaxed);
    s.stolen_here += w->statistics.stolen.load(std::memory_order_relaxed);
    s.idle += static_cast<double>(w->statistics.idle_ns.load(std::memory_order_relaxed)) * 1e-9;
  }
  s.stolen_near = near_;
  s.stolen_far = far_;
  s.requests = protocol_.statistics().requests;
  s.refused = protocol_.statistics().refused;
  s.bytes = bytes_;
  return s;
}

} // namespace torc::detail
