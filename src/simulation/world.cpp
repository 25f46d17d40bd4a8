// SPDX-License-Identifier: MIT
#include "simulation/world.hpp"

namespace torc::simulation {
namespace {

std::vector<int> hosts_of(const machine& m) {
  std::vector<int> hosts;
  for (std::int64_t r = 0; r < m.ranks; ++r) {
    hosts.push_back(static_cast<int>(r / m.per_host));
  }
  return hosts;
}

} // namespace

world::world(const machine& m, workload& w, std::uint64_t seed, detail::policy p)
    : machine_(m), policy_(p), hosts_(hosts_of(m)), workload_(w), random_(seed) {
  for (int r = 0; r < m.ranks; ++r) {
    ranks_.emplace_back(*this, r, seed);
    outcome_.capacity += 1 / ranks_.back().slowness();
  }
  open_ = size();
}

outcome world::run(int root, std::uint64_t most_events) {
  root_ = root;
  task first = workload_.first();
  first.pinned = true;
  of(root).begins(machine_.start, first);
  for (int r = 0; r < size(); ++r) {
    at(0, r, event_kind::looks);
  }
  while (!events_.empty() && outcome_.events < most_events && outcome_.lost_rank < 0) {
    const event e = events_.top();
    events_.pop();
    now_ = e.time;
    ++outcome_.events;
    handle(e);
  }
  return result();
}

void world::at(nanoseconds time, int rank, event_kind what, std::uint32_t message) {
  if (what == event_kind::leaves) {
    all_hear_ = false;
  }
  events_.push({time, order_++, rank, message, what});
}

void world::handle(const event& e) {
  rank& r = of(e.rank);
  if (r.dead() && e.kind != event_kind::lost) {
    return;
  }
  switch (e.kind) {
  case event_kind::arrives:
    r.arrives(e.message);
    break;
  case event_kind::queues:
    r.queues(take(e.message).tasks.front());
    break;
  case event_kind::looks:
    r.looks();
    break;
  case event_kind::work_ends:
    r.work_ends();
    break;
  case event_kind::tries_again:
    r.tries_again();
    break;
  case event_kind::stealing_on:
  case event_kind::stealing_off:
    r.enable_stealing(e.kind == event_kind::stealing_on);
    break;
  case event_kind::leaves:
    r.leaves();
    break;
  case event_kind::dies:
    r.dies();
    at(now_ + machine_.detect, e.rank, event_kind::lost);
    break;
  case event_kind::suspects:
    r.suspects();
    break;
  case event_kind::lost:
    if (outcome_.closed < 0) {
      outcome_.lost_rank = e.rank;
    }
    break;
  }
}

/// The primary task of a program is on rank 0, which tells the others. Elsewhere the ranks hear of
/// the end in no order.
void world::first_ended() {
  outcome_.ended = now_;
  of(root_).leaves();
  if (root_ != 0 && all_hear_) {
    for (int r = 0; r < size(); ++r) {
      at(now_ + random_.below(1000), r, event_kind::leaves);
    }
  }
}

/// Puts a message somewhere until it is seen.
std::uint32_t world::keep(message&& m) {
  if (free_messages_.empty()) {
    messages_.push_back(std::move(m));
    return static_cast<std::uint32_t>(messages_.size() - 1);
  }
  const std::uint32_t at = free_messages_.back();
  free_messages_.pop_back();
  messages_[at] = std::move(m);
  return at;
}

message world::take(std::uint32_t at) {
  free_messages_.push_back(at);
  return std::move(messages_[at]);
}

void world::count_busy(int by) {
  busy_ += by;
  if (outcome_.ramp_up < 0 && 10 * busy_ >= 9 * size()) {
    outcome_.ramp_up = now_;
  }
}

outcome world::result() {
  for (nanoseconds* const time :
       {&outcome_.ended, &outcome_.closed, &outcome_.deadlocked, &outcome_.ramp_up}) {
    *time -= *time < 0 ? 0 : machine_.start;
  }
  for (rank& r : ranks_) {
    outcome_.run += r.run;
    outcome_.stolen_near += r.stolen_near;
    outcome_.stolen_far += r.stolen_far;
    outcome_.messages += r.sent;
    outcome_.bytes += r.bytes;
    const auto& s = r.state_machine().statistics();
    outcome_.requests += s.requests;
    outcome_.refused += s.refused;
    outcome_.lifelines += s.lifelines;
  }
  return outcome_;
}

} // namespace torc::simulation
