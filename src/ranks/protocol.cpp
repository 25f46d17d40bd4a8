// SPDX-License-Identifier: MIT
#include "ranks/protocol.hpp"

#include <algorithm>
#include <numeric>
#include <torc/bytes.hpp>

namespace torc::detail {
namespace {

void expect(bool right, const char* otherwise) {
  if (!right) {
    throw bad_message(otherwise);
  }
}
} // namespace

host_map::host_map(std::vector<int> hosts) : hosts_(std::move(hosts)) {
  std::vector<int> sizes;
  for (const int h : hosts_) {
    sizes.resize(std::max(sizes.size(), static_cast<std::size_t>(h) + 1));
    ++sizes[static_cast<std::size_t>(h)];
  }
  begins_.resize(sizes.size() + 1);
  std::partial_sum(sizes.begin(), sizes.end(), begins_.begin() + 1);
  members_.resize(hosts_.size());
  std::vector<int> next = begins_;
  for (int r = 0; r < ranks(); ++r) {
    members_[static_cast<std::size_t>(next[static_cast<std::size_t>(host(r))]++)] = r;
  }
}

int host_map::near(int rank) const noexcept {
  return begins_[static_cast<std::size_t>(host(rank)) + 1] - begin(rank);
}

int host_map::near(int rank, int i) const noexcept {
  return members_[static_cast<std::size_t>(begin(rank) + i)];
}

int host_map::far(int rank, int i) const noexcept {
  return members_[static_cast<std::size_t>(i < begin(rank) ? i : i + near(rank))];
}

protocol::protocol(site& s, int rank, const host_map& hosts, std::uint64_t seed, policy p)
    : site_(s),
      rank_(rank),
      hosts_(hosts),
      policy_(p),
      random_(static_cast<std::uint32_t>(seed * 2654435761u) + static_cast<std::uint32_t>(rank)),
      parted_(static_cast<std::size_t>(rank == 0 ? hosts.ranks() : 0)) {}

void protocol::hungry() {
  if (!stealing_ || leaving_ || silent_ || asked_ >= 0) {
    return;
  }
  int victim = next_victim();
  while (victim >= 0 && is_lost(victim)) {
    victim = next_victim();
  }
  if (victim < 0) {
    fall_silent();
    return;
  }
  asked_ = victim;
  ++statistics_.requests;
  site_.send(victim, {.what = message_kind::request});
}

/// Who is asked next; -1 when it is time to give up.
int protocol::next_victim() {
  const int neighbours = hosts_.near(rank_) - 1;
  const int others = hosts_.ranks() - neighbours - 1;
  const int near = std::min(policy_.near_attempts, neighbours);
  const int far = std::min(policy_.far_attempts, others);
  const int attempt = attempts_++;
  if (attempt >= near + far) {
    return -1;
  }
  if (policy_.victims == policy::order::flat) {
    if (attempt == 0 && last_giver_ >= 0 && policy_.victim != policy::choice::random) {
      return last_giver_;
    }
    return draw(draw(neighbours + others) < neighbours);
  }
  // A refusal costs microseconds on the host, and spares others a way that costs a hundred.
  const bool nearby = attempt < near;
  if (attempt == (nearby ? 0 : near) && last_giver_ >= 0 &&
      hosts_.together(rank_, last_giver_) == nearby && policy_.victim != policy::choice::random) {
    return last_giver_;
  }
  return draw(nearby);
}

/// One of the ranks of this host or of others, which must exist.
int protocol::draw(bool nearby) {
  const auto any = [&] {
    const int neighbours = hosts_.near(rank_) - 1;
    if (!nearby) {
      return hosts_.far(rank_, draw(hosts_.ranks() - neighbours - 1));
    }
    const int r = hosts_.near(rank_, draw(neighbours));
    return r != rank_ ? r : hosts_.near(rank_, neighbours);
  };
  const int a = any();
  if (policy_.victim != policy::choice::loads) {
    return a;
  }
  const hint b = hint_of(draw(static_cast<int>(hints_.size())));
  if (b.rank < 0 || hosts_.together(rank_, b.rank) != nearby) {
    return a;
  }
  return hint_of(a).rank == a && hint_of(a).load >= b.load ? a : b.load > 0 ? b.rank : a;
}

int protocol::share(int to, bool submitted, int spare) const noexcept {
  if (spare <= 0) {
    return 0;
  }
  const policy::amount a = submitted ? policy_.submitted : policy_.children;
  const bool half =
      a == policy::amount::half || (a == policy::amount::adaptive && !hosts_.together(rank_, to));
  return half ? spare / 2 + 1 : 1;
}

void protocol::fall_silent() {
  silent_ = true;
  lifelines_.clear();
  // Rank numbers run along the hosts, so that the short steps stay on ours.
  for (long step = 1; step < hosts_.ranks() && policy_.lifelines; step *= 2) {
    int to = static_cast<int>((rank_ + step) % hosts_.ranks());
    while (is_lost(to)) {
      to = (to + 1) % hosts_.ranks();
    }
    if (to != rank_) {
      ++statistics_.lifelines;
      lifelines_.push_back(to);
      site_.send(to, {.what = message_kind::lifeline});
    }
  }
}

void protocol::withdraw() {
  for (const int to : lifelines_) {
    if (!is_lost(to)) {
      site_.send(to, {.what = message_kind::withdrawal});
    }
  }
  lifelines_.clear();
}

void protocol::answered(int from) {
  expect(from == asked_, "torc: received an answer without a question");
  asked_ = -1;
}

void protocol::add_waiter(int rank, bool passed_on) {
  expect(rank >= 0 && rank < hosts_.ranks() && rank != rank_,
         "torc: a rank waits that does not exist");
  if (is_lost(rank)) {
    return;
  }
  const auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                  [=](const waiter& w) { return w.rank == rank; });
  if (found == waiting_.end()) {
    waiting_.push_back({rank, passed_on});
  } else if (!passed_on) {
    found->passed_on = false;
  }
}

/// Tells `to`, who has more, who waits. They stay here as well.
void protocol::pass_on_waiters(int to) {
  for (waiter& w : waiting_) {
    if (!w.passed_on && w.rank != to) {
      w.passed_on = true;
      site_.send(to,
                 {.what = message_kind::lifeline, .value = static_cast<std::uint32_t>(w.rank) + 1});
    }
  }
}

void protocol::received(int from, header h) {
  hint_of(from) = {from, h.load};
  switch (h.what) {
  case message_kind::request:
    if (!stealing_ || site_.give(from, true) == 0) {
      site_.send(from, {.what = message_kind::refusal});
    }
    break;
  case message_kind::lifeline:
    add_waiter(h.value == 0 ? from : static_cast<int>(h.value - 1), h.value != 0);
    offer();
    break;
  case message_kind::withdrawal:
    std::erase_if(waiting_, [from](const waiter& w) { return w.rank == from; });
    break;
  case message_kind::refusal:
    answered(from);
    ++statistics_.refused;
    if (from == last_giver_) {
      last_giver_ = -1;
    }
    if (site_.hungry()) {
      hungry();
    }
    break;
  case message_kind::tasks: // an answer, or for a lifeline, also while a request is out
    if (h.value != 0) {
      answered(from);
    } else {
      std::erase(lifelines_, from); // it has none of ours any more
    }
    last_giver_ = from;
    if (h.load > 0) {
      pass_on_waiters(from);
    }
    [[fallthrough]];
  case message_kind::submission:
    withdraw();
    attempts_ = 0;
    silent_ = false;
    break;
  case message_kind::goodbye:
    expect(rank_ == 0 && !parted_[static_cast<std::size_t>(from)],
           "torc: a rank says goodbye twice, or to the wrong one");
    parted_[static_cast<std::size_t>(from)] = true;
    break;
  case message_kind::probe: {
    expect(from == 0 && !closed_, "torc: a rank asks for rest that is not the root");
    const bool still = still_at_rest();
    site_.send(0, {.what = message_kind::rest, .count = still, .value = balance_});
    break;
  }
  case message_kind::rest:
    if (lost_.empty()) {
      expect(probed_ > 0, "torc: received an answer without a question");
      --probed_;
      rests(h.count != 0, h.value);
    }
    break;
  case message_kind::close:
    expect(from == 0 && said_goodbye_ && !closed_,
           "torc: a rank is told to close before it has said goodbye, or twice");
    close();
    return;
  default:
    break;
  }
  try_to_part();
}

void protocol::offer() {
  while (stealing_ && !waiting_.empty() && site_.give(waiting_.front().rank, false) > 0) {
    waiting_.erase(waiting_.begin());
  }
  try_to_part();
}

void protocol::enable_stealing(bool on) {
  stealing_ = on;
  attempts_ = 0;
  silent_ = false;
}

void protocol::leave() {
  leaving_ = true;
  try_to_part();
}

void protocol::lost(int r) {
  lost_.resize(static_cast<std::size_t>(hosts_.ranks()));
  lost_[static_cast<std::size_t>(r)] = true;
  if (rank_ == 0) {
    parted_[static_cast<std::size_t>(r)] = true;
  }
  probed_ = 0;
  std::erase_if(waiting_, [r](const waiter& w) { return w.rank == r; });
  if (last_giver_ == r) {
    last_giver_ = -1;
  }
  // Our lifelines may all have hung on that one, so everybody begins anew.
  attempts_ = 0;
  silent_ = false;
  if (asked_ == r) {
    asked_ = -1;
    if (site_.hungry()) {
      hungry();
    }
  }
  try_to_part();
}

void protocol::try_to_part() {
  if (!leaving_ || said_goodbye_ || asked_ >= 0 || site_.outstanding()) {
    return;
  }
  if (rank_ != 0) {
    said_goodbye_ = true;
    site_.send(0, {.what = message_kind::goodbye});
  } else if (probed_ == 0 &&
             std::find(parted_.begin() + 1, parted_.end(), false) == parted_.end()) {
    said_goodbye_ = true;
    for (int r = 1; r < hosts_.ranks(); ++r) {
      if (!is_lost(r)) {
        site_.send(r, {.what = message_kind::close});
      }
    }
    close();
  }
}

/// What only looks for work or for life makes nobody do anything.
void protocol::count(message_kind what, int by) noexcept {
  switch (what) {
  case message_kind::request:
  case message_kind::lifeline:
  case message_kind::refusal:
  case message_kind::withdrawal:
  case message_kind::beat:
  case message_kind::probe:
  case message_kind::rest:
    break;
  default:
    balance_ += static_cast<std::uint32_t>(by);
    ++moves_;
  }
}

/// Whether this rank is at rest, and has been since this was asked before.
bool protocol::still_at_rest() {
  const auto before = rested_;
  rested_.reset();
  if (const auto now = site_.rest(); now && asked_ < 0) { // an answer may have us say goodbye
    rested_.emplace(*now, moves_);
  }
  return rested_ && rested_ == before;
}

void protocol::suspect() {
  if (probed_ > 0 || closed_ || !lost_.empty()) {
    return;
  }
  probed_ = hosts_.ranks() - 1;
  all_rest_ = true;
  under_way_ = 0;
  for (int r = 1; r < hosts_.ranks(); ++r) {
    site_.send(r, {.what = message_kind::probe});
  }
  rests(still_at_rest(), balance_);
}

/// A rank has answered, or the root itself. Each was as it is now when the last one answered
/// before, and then no message was under way.
void protocol::rests(bool still, std::uint32_t balance) {
  all_rest_ = all_rest_ && still;
  under_way_ += balance;
  if (probed_ == 0 && all_rest_ && under_way_ == 0) {
    site_.deadlocked();
  }
}

void protocol::close() {
  closed_ = true;
  site_.closed();
}

} // namespace torc::detail
