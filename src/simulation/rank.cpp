// SPDX-License-Identifier: MIT
#include "simulation/rank.hpp"

#include <algorithm>
#include <utility>

#include "simulation/world.hpp"

namespace torc::simulation {
namespace {

/// How long a rank pauses that has found no work and has no lifelines; doubled each time.
constexpr nanoseconds shortest_pause = 100'000, longest_pause = 100'000'000;

} // namespace

rank::rank(world& w, int which, std::uint64_t seed)
    : id(which),
      world_(w),
      protocol_(*this, which, w.hosts_, seed, w.policy_),
      slowness_(w.random_.uniform() < w.machine_.slow_share ? w.machine_.slowness : 1),
      phase_(static_cast<std::uint32_t>(w.random_())) {}

void rank::begins(nanoseconds time, const task& first) {
  enqueue(first);
  busy_ = true;
  world_.count_busy(1);
  world_.at(time, id, event_kind::work_ends);
}

void rank::enqueue(const task& t) {
  if (t.pinned) {
    own_.insert(own_.begin(), t);
  } else {
    inbox_.push_by_priority(t);
  }
}

// Messages.

/// The time at which it sees a message that has come now.
nanoseconds rank::answer_at(const message& m) const {
  const machine& c = world_.machine_;
  const nanoseconds now = world_.now_;
  const bool near = world_.hosts_.together(id, m.from);
  if (!busy_) {
    if (!asleep_) {
      return std::max(now, clock_) + c.answer_idle;
    }
    return near ? now + c.wake : next_tick(c.tick_idle);
  }
  if (!near) {
    return next_tick(c.tick_far);
  }
  if (world_.workload_.fine()) {
    return now + c.answer_fine;
  }
  const bool rings = m.head.what == message_kind::request || m.head.what == message_kind::lifeline;
  return rings ? now + c.answer_long : next_tick(c.tick);
}

/// Each rank's ticks come at times of its own.
nanoseconds rank::next_tick(nanoseconds period) const {
  const nanoseconds offset = phase_ % period;
  return (world_.now_ - offset + period) / period * period + offset;
}

void rank::look_at(nanoseconds time) {
  if (look_ < 0 || time < look_) {
    look_ = time;
    world_.at(time, id, event_kind::looks);
  }
}

void rank::arrives(std::uint32_t message) {
  if (!busy_ && !asleep_ && world_.now_ - idle_since_ > world_.machine_.search) {
    asleep_ = true;
  }
  unseen_.push_back(message);
  look_at(answer_at(world_.messages_[message]));
}

void rank::looks() {
  if (look_ > world_.now_) {
    return; // an earlier look has seen all there was
  }
  look_ = -1;
  if (!busy_ && clock_ > world_.now_) {
    look_at(clock_);
    return;
  }
  std::vector<std::uint32_t> seen;
  seen.swap(unseen_);
  for (const std::uint32_t at : seen) {
    message m = world_.take(at);
    handle(m);
  }
  settle();
}

void rank::queues(const task& t) {
  enqueue(t);
  settle();
}

/// The processor does something else than tasks.
void rank::spend(nanoseconds t) {
  t = static_cast<nanoseconds>(static_cast<double>(t) * slowness_);
  if (busy_) {
    debt_ += t;
  } else {
    clock_ = std::max(clock_, world_.now_) + t;
  }
}

void rank::handle(message& m) {
  const machine& c = world_.machine_;
  if (closed_) { // who has been silent all the time may still be said to wait, or no more
    world_.expect(m.head.what == message_kind::lifeline || m.head.what == message_kind::withdrawal,
                  "a message comes after the end");
    return;
  }
  spend((world_.hosts_.together(id, m.from) ? c.near : c.far).overhead);
  switch (m.head.what) {
  case message_kind::tasks:
    (world_.hosts_.together(id, m.from) ? stolen_near : stolen_far) += m.tasks.size();
    [[fallthrough]];
  case message_kind::submission:
    spend(c.pack * static_cast<nanoseconds>(m.tasks.size()));
    for (const task& t : m.tasks) {
      enqueue(t);
    }
    break;
  case message_kind::result:
    spend(c.pack);
    --away_;
    part_done(m.job);
    break;
  case message_kind::end:
    leaves();
    break;
  default:
    break;
  }
  protocol_.seen(m.head.what);
  protocol_.received(m.from, m.head);
}

/// What the engine does after each look at the messages.
void rank::settle() {
  if (closed_) {
    return;
  }
  if (!busy_ && has_tasks()) {
    start_work();
  }
  if (leaving_) {
    protocol_.leave(); // each time: what this rank waited for may have come from itself
  }
  if (protocol_.wanted()) {
    protocol_.offer();
  }
  if (hungry()) {
    protocol_.hungry();
    if (protocol_.silent() && !world_.policy_.lifelines && !leaving_) {
      pause_ = std::clamp(2 * pause_, shortest_pause, longest_pause);
      world_.at(world_.now_ + pause_, id, event_kind::tries_again);
    }
  }
}

void rank::tries_again() {
  if (hungry() && !leaving_ && protocol_.silent()) {
    protocol_.enable_stealing(true);
    settle();
  }
}

void rank::enable_stealing(bool on) {
  protocol_.enable_stealing(on);
  settle();
}

void rank::leaves() {
  if (leaving_) {
    return;
  }
  if (world_.all_hear_ && world_.root_ == 0 && id == 0) {
    for (int r = 1; r < world_.hosts_.ranks(); ++r) {
      post(r, header_bytes, {.from = id, .head = {.what = message_kind::end}});
    }
  }
  leaving_ = true;
  settle();
}

void rank::closed() {
  closed_ = true;
  if (--world_.open_ == 0) {
    world_.outcome_.closed = world_.now_;
  }
}

void rank::dies() {
  dead_ = true;
  if (busy_) {
    world_.count_busy(-1);
  }
}

/// When the first task has ended its main program still has to come to the end.
std::optional<std::uint64_t> rank::rest() {
  const bool rests = hungry() && (leaving_ || world_.outcome_.ended < 0);
  return rests ? std::optional(run) : std::nullopt;
}

void rank::deadlocked() { world_.outcome_.deadlocked = world_.now_; }

void rank::suspects() {
  if (hungry() && !closed_ && world_.outcome_.deadlocked < 0) {
    protocol_.suspect();
  }
}

// Sending.

void rank::send(int to, header h) { post(to, header_bytes, {.from = id, .head = h}); }

void rank::post(int to, std::int64_t size, message&& m) {
  const machine& c = world_.machine_;
  const link& l = world_.hosts_.together(id, to) ? c.near : c.far;
  world_.expect(!closed_ && to != id, "a rank sends after the end, or to itself");
  m.head.load = detail::load_hint(available());
  protocol_.sent(m.head.what);
  spend(l.overhead);
  ++sent;
  bytes += static_cast<std::uint64_t>(size);
  const auto transfer = static_cast<nanoseconds>(l.per_byte * static_cast<double>(size));
  const nanoseconds begin =
      std::max(network_free_, busy_ ? world_.now_ + debt_ : std::max(clock_, world_.now_));
  network_free_ = begin + l.gap + transfer;
  nanoseconds arrival = begin + l.latency + transfer;
  if (size > c.eager) { // announced, asked for, sent
    arrival += 2 * (l.latency + l.overhead);
  }
  if (c.jitter > 0) {
    arrival += world_.random_.below(c.jitter + 1);
  }
  if (c.lost > 0 && world_.random_.uniform() < c.lost) {
    ++world_.outcome_.lost;
    return;
  }
  world_.at(arrival, to, event_kind::arrives, world_.keep(std::move(m)));
}

int rank::give(int to, bool answer) {
  const int idle = busy_ || !own_.empty() ? 0 : 1; // is about to take one
  const int spare = available() - idle;
  message m{.from = id, .head = {.what = message_kind::tasks, .value = answer}};
  std::int64_t size = header_bytes;
  for (bool submitted = false; size < detail::full_message;) {
    submitted = submitted || children_.empty();
    if (static_cast<int>(m.tasks.size()) >= protocol_.share(to, submitted, spare) ||
        (submitted && inbox_.empty())) {
      break;
    }
    task t = submitted ? inbox_.pop_oldest() : children_.pop_oldest();
    if (t.home == id && !t.away) {
      ++away_;
    }
    t.away = true;
    size += world_.workload_.bytes(t);
    spend(world_.machine_.pack);
    m.tasks.push_back(t);
  }
  const int given = static_cast<int>(m.tasks.size());
  if (given > 0) {
    m.head.count = static_cast<std::uint16_t>(given);
    post(to, size, std::move(m));
  }
  return given;
}

// Work.

bool rank::next_task(task& t) {
  if (!own_.empty()) {
    t = own_.back();
    own_.pop_back();
  } else if (!children_.empty()) {
    t = children_.pop_newest();
  } else if (!inbox_.empty()) {
    t = inbox_.pop_oldest();
  } else {
    return false;
  }
  return true;
}

void rank::start_work() {
  if (!next_task(current_)) {
    return;
  }
  busy_ = true;
  world_.count_busy(1);
  debt_ = std::max<nanoseconds>(clock_ - world_.now_, 0) + (asleep_ ? world_.machine_.wake : 0);
  asleep_ = false;
  pause_ = 0;
  has_job_ = false;
  current_job_ = current_.job;
  ++run;
  worker w(*this);
  const nanoseconds took = world_.workload_.run(current_, w);
  world_.outcome_.work += static_cast<double>(took);
  world_.at(world_.now_ + static_cast<nanoseconds>(static_cast<double>(took) * slowness_), id,
            event_kind::work_ends);
}

void rank::work_ends() {
  if (debt_ > 0) {
    world_.at(world_.now_ + std::exchange(debt_, 0), id, event_kind::work_ends);
    return;
  }
  busy_ = false;
  clock_ = idle_since_ = world_.now_;
  world_.count_busy(-1);
  if (has_job_) {
    part_done(current_job_);
  } else {
    ended(current_);
  }
  if (!has_tasks() && !unseen_.empty()) {
    look_ = -1;
    looks(); // who searches for work looks
  } else {
    settle();
  }
}

/// The job that counts the children of the running task.
rank::job& rank::own_job() {
  if (!has_job_) {
    if (free_jobs_.empty()) {
      free_jobs_.push_back(static_cast<std::uint32_t>(jobs_.size()));
      jobs_.emplace_back();
    }
    current_job_ = free_jobs_.back();
    free_jobs_.pop_back();
    jobs_[current_job_] = {.whole = current_, .after = {}, .pending = 1};
    has_job_ = true;
  }
  return jobs_[current_job_];
}

/// A child has ended, or the running task itself.
void rank::part_done(std::uint32_t which) {
  job& j = jobs_[which];
  world_.expect(j.pending > 0, "a result comes twice");
  if (--j.pending > 0) {
    return;
  }
  const job done = j;
  free_jobs_.push_back(which);
  if (done.has_after) {
    own_.push_back(done.after);
  } else {
    ended(done.whole);
  }
}

/// A task and all below it have ended.
void rank::ended(const task& t) {
  if (t.home < 0) {
    if (id == world_.root_ && t.pinned) {
      world_.first_ended();
    }
  } else if (t.home == id) {
    away_ -= t.away;
    part_done(t.job);
  } else {
    spend(world_.machine_.pack);
    post(t.home, world_.workload_.result_bytes(t),
         {.from = id, .head = {.what = message_kind::result}, .job = t.job});
  }
}

} // namespace torc::simulation
