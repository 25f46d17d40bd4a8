// SPDX-License-Identifier: MIT

// Tasks as bytes. A message of tasks holds for each its home, its level, whether it is uncounted,
// its time limit in nanoseconds, how many bytes and blocks it takes, remote type and closure.

#include <mutex>
#include <utility>

#include "ranks/engine.hpp"
#include "ranks/exception.hpp"
#include "scheduler/scheduler.hpp"

namespace torc::detail {
namespace {

std::int64_t time_limit_of(const descriptor& d) noexcept {
  if (d.type->finish == &finish_remote) {
    return static_cast<const remote_task&>(d).time_limit.count();
  }
  if (d.type->finish == &finish_submitted) {
    return static_cast<const submitted&>(d).options.time_limit.count();
  }
  return 0;
}

/// How many ticks a worker that has been forced and does not serve is left alone. Not for ever: it
/// may have served and been asked again unseen, and have new children of its own before that.
constexpr int ticks_of_rest = 4;
/// How many polls, of about half a microsecond, a rank that has been sent a task waits before it
/// asks for another: whoever sends one and waits for its result is about to send the next, and a
/// request would only be in its way.
constexpr int polls_after_submission = 20;

} // namespace

/// A message of tasks for one rank, as it is packed.
struct rank_engine::parcel {
  parcel(const rank_engine& engine, int receiver)
      : to(receiver), inline_only(receiver == engine.rank || engine.survive()) {}

  const int to;
  const bool inline_only; ///< a message to oneself has no blocks
  writer w;
  std::uint16_t count = 0;
  std::shared_ptr<std::vector<std::unique_ptr<remote_task>>> owner;
  bool late = false; ///< a task of ours was stopped, and perhaps nobody has seen that it is leaving

  /// False if the task could not be saved; then it has failed.
  bool add(rank_engine& engine, descriptor& d) {
    const std::size_t begin = w.bytes().size(), first_block = w.blocks().size();
    const bool passed_on = d.type->finish == &finish_remote, uncounted = d.uncounted;
    try {
      writer body;
      const inline_section no_blocks(body, inline_only);
      save_remote_type(body, *d.type->remote);
      d.type->save(d, body);
      const auto level = static_cast<std::uint8_t>(d.level);
      const std::int64_t limit = time_limit_of(d);
      // In a slot, a task of ours may be run again and end at any moment, if rank `to` is lost.
      const task_home home =
          passed_on ? static_cast<remote_task&>(d).home : engine.away_.add(engine.rank, d, to);
      if (passed_on) {
        engine.tell_passed_on(home, to);
      } else {
        late |= anything_stopped.load(std::memory_order_acquire) && engine.away_.has_stopped(home);
      }
      w.put(home);
      w.put(level);
      w.put(static_cast<std::uint8_t>(uncounted));
      w.put(limit);
      w.put(static_cast<std::uint64_t>(body.bytes().size()));
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
      engine.guests_.fetch_sub(1);
      std::unique_ptr<remote_task> task(&static_cast<remote_task&>(d));
      if (w.blocks().size() != first_block) {
        if (!owner) {
          owner = std::make_shared<std::vector<std::unique_ptr<remote_task>>>();
        }
        owner->push_back(std::move(task));
      }
    }
    ++count;
    engine.sent_.fetch_add(uncounted ? 0 : 1, std::memory_order_relaxed);
    return true;
  }
};

/// How many public tasks there are.
int rank_engine::available() const noexcept {
  std::uint32_t tasks = 0;
  for (const auto& w : scheduler_.workers) {
    tasks += w->shared.available.load(std::memory_order_relaxed);
  }
  return static_cast<int>(tasks);
}

/// ... beyond those that idle workers of ours are about to take. Without this, ranks that are short
/// of work send the same few tasks back and forth.
int rank_engine::spare() const noexcept { return available() - scheduler_.idle(); }

/// A task that may go elsewhere: the oldest child, which is the largest in a recursion, or the
/// oldest submitted one. Null if all queues are without.
descriptor* rank_engine::take_for_rank(bool& submitted) {
  for (const auto& w : scheduler_.workers) {
    queue& q = w->shared;
    if (q.looks_empty()) {
      continue;
    }
    const std::lock_guard locked(q.lock);
    descriptor* d = q.take_child_for_rank();
    submitted = d == nullptr;
    if (submitted) {
      d = q.take_submitted_for_rank();
    }
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

/// The children of a recursion come first: the oldest is the largest. Submitted ones are many and
/// alike.
int rank_engine::give(int to, bool answer) {
  const bool to_oneself = to == rank; // with TORC_ROUND_TRIP
  bool forced = !to_oneself && spare() <= 0;
  if (forced) {
    publish_by_force();
  }
  parcel p(*this, to);
  const int most = to_oneself ? 1 : spare();
  for (bool submitted = false; p.count < protocol_.share(to, submitted, most) &&
                               static_cast<std::int64_t>(p.w.bytes().size()) < full_message;) {
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
    if (p.late) {
      spread_stop();
    }
  }
  return p.count;
}

void rank_engine::ship(submitted& s, int to, int q) {
  if (lost_[static_cast<std::size_t>(to)].load(std::memory_order_relaxed)) {
    run_here(s);
    return;
  }
  parcel p(*this, to);
  p.w.put(static_cast<std::int32_t>(q));
  p.w.put(s.options.is_pinned);
  p.w.put(s.options.is_direct);
  if (p.add(*this, s)) {
    post(to, {.what = message_kind::submission, .count = 1}, std::move(p.w), p.owner);
    progress(false);
    if (p.late) {
      spread_stop();
    }
  }
}

void rank_engine::accept_tasks(arrival& a, reader& r, header h) {
  int q = -1;
  bool pinned = false, direct = false;
  if (h.what == message_kind::submission) {
    q = r.get<std::int32_t>();
    pinned = r.get<std::uint8_t>() != 0;
    direct = r.get<std::uint8_t>() != 0;
    quiet_polls_.store(polls_after_submission, std::memory_order_relaxed);
  }
  std::vector<std::unique_ptr<remote_task>> tasks;
  std::vector<std::span<std::byte>> to;
  std::vector<bytes> dropped; // blocks of tasks that could not be loaded
  std::size_t first_block = 0;
  const auto drop = [&](std::span<const std::size_t> sizes) {
    for (const std::size_t n : sizes) {
      to.emplace_back(dropped.emplace_back(n));
    }
  };
  for (int i = 0; i < h.count; ++i) {
    const auto home = r.get<task_home>();
    const auto level = r.get<std::uint8_t>(), uncounted = r.get<std::uint8_t>();
    const auto limit = r.get<std::int64_t>();
    const auto size = r.get<std::uint64_t>();
    const auto blocks = r.get<std::uint32_t>();
    const bool wanted = expected_home(home);
    if ((!wanted && !survive()) || level >= levels || uncounted > 1 || limit < 0 ||
        size > r.rest().size() || blocks > a.block_sizes.size() - first_block) {
      throw bad_message("torc: a received task is longer than its message, of no level, or from "
                        "nowhere");
    }
    const auto sizes = std::span<const std::size_t>(a.block_sizes).subspan(first_block, blocks);
    reader body(r.rest().first(size), sizes);
    const inline_section no_blocks(body, a.from == rank || survive()); // as in `parcel`
    r.skip(size);
    received_ += uncounted == 0;
    first_block += blocks;
    if (!wanted) { // it runs elsewhere by now, or nobody waits for it any more
      drop(sizes);
      continue;
    }
    try {
      std::unique_ptr<remote_task> task(load_remote_type(body).load(body));
      body.expect_end();
      task->home = home;
      task->level = level & 0x1f;
      task->uncounted = uncounted & 1;
      task->time_limit = std::chrono::nanoseconds(limit);
      tasks.push_back(std::move(task));
      const auto places = body.take_destinations();
      to.insert(to.end(), places.begin(), places.end());
    } catch (...) {
      drop(sizes);
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
  (host_map_.together(a.from, rank) ? near_ : far_) += h.what == message_kind::tasks ? h.count : 0;
  const auto all = std::make_shared<decltype(tasks)>(std::move(tasks));
  const auto sink = std::make_shared<decltype(dropped)>(std::move(dropped));
  when_complete(a, std::move(to), [this, all, sink, q, pinned, direct] {
    for (auto& t : *all) {
      guests_.fetch_add(1);
      if (direct) {
        run_at_once(*t.release());
      } else {
        enqueue(*t.release(), q, pinned);
      }
    }
  });
}

/// Whether a task may come from there. One of ours has been stolen back.
bool rank_engine::expected_home(const task_home& home) {
  return home.rank == rank
             ? away_.has(home.slot, home.generation)
             : home.rank >= 0 && home.rank < transport_.size() &&
                   !lost_[static_cast<std::size_t>(home.rank)].load(std::memory_order_relaxed);
}

/// Where losses are survived the home of a task must know who has it. It hears it from whoever
/// passes it on, who, if he dies too early to tell, is known to have had it.
void rank_engine::tell_passed_on(const task_home& home, int to) {
  if (survive()) {
    writer w;
    w.put(home.slot);
    w.put(home.generation);
    post(home.rank, {.what = message_kind::passed_on, .value = static_cast<std::uint32_t>(to)},
         std::move(w));
  }
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
  t.parent = &scheduler_.root;
  forget_stop(t.home);
  if (is_stopped(&t)) {
    t.ended = outcome::skipped;
    finish_remote(t);
    return;
  }
  scheduler_.send(t, local, pinned);
}

} // namespace torc::detail
