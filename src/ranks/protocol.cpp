// SPDX-License-Identifier: MIT
#include "ranks/protocol.hpp"

#include <algorithm>
#include <torc/bytes.hpp>

namespace torc::detail {
namespace {
// Attempts before a rank falls silent.
constexpr int near_attempts = 4;
constexpr int far_attempts = 4;

void expect(bool right, const char* otherwise) {
  if (!right) {
    throw bad_message(otherwise);
  }
}
} // namespace

protocol::protocol(site& s, int rank, std::vector<int> hosts, std::uint64_t seed)
    : site_(s),
      rank_(rank),
      size_(static_cast<int>(hosts.size())),
      load_(hosts.size()),
      random_(static_cast<std::uint32_t>(seed * 2654435761u) + static_cast<std::uint32_t>(rank)) {
  for (int r = 0; r < size_; ++r) {
    if (r != rank_) {
      const auto host = [&](int x) { return hosts[static_cast<std::size_t>(x)]; };
      (host(r) == host(rank_) ? near_ : far_).push_back(r);
    }
  }
}

void protocol::hungry() {
  if (!stealing_ || leaving_ || silent_ || asked_ >= 0) {
    return;
  }
  const int victim = next_victim();
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
  const int near = std::min(near_attempts, static_cast<int>(near_.size()));
  const int far = std::min(far_attempts, static_cast<int>(far_.size()));
  const int attempt = attempts_++;
  const bool nearby = attempt < near;
  if (attempt >= near + far) {
    return -1;
  }
  // A refusal costs microseconds on the host, and spares others a way that costs a hundred.
  const std::vector<int>& ranks = nearby ? near_ : far_;
  if (attempt == (nearby ? 0 : near) &&
      std::binary_search(ranks.begin(), ranks.end(), last_giver_)) {
    return last_giver_;
  }
  return draw(ranks);
}

int protocol::draw(const std::vector<int>& ranks) {
  const auto any = [&] { return ranks[random_() % ranks.size()]; };
  const int a = any(), b = any();
  return load_[static_cast<std::size_t>(a)] >= load_[static_cast<std::size_t>(b)] ? a : b;
}

void protocol::fall_silent() {
  silent_ = true;
  // Rank numbers run along the hosts, so that the short steps stay on ours.
  for (long step = 1; step < size_; step *= 2) {
    ++statistics_.lifelines;
    site_.send(static_cast<int>((rank_ + step) % size_), {.what = message_kind::lifeline});
  }
}

void protocol::answered(int from) {
  expect(from == asked_, "torc: received an answer without a question");
  asked_ = -1;
}

void protocol::add_waiter(int rank, bool passed_on) {
  expect(rank >= 0 && rank < size_ && rank != rank_, "torc: a rank waits that does not exist");
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
  load_[static_cast<std::size_t>(from)] = h.load;
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
    }
    last_giver_ = from;
    if (h.load > 0) {
      pass_on_waiters(from);
    }
    [[fallthrough]];
  case message_kind::submission:
    attempts_ = 0;
    silent_ = false;
    break;
  case message_kind::goodbye:
    expect(is_child(from) && std::find(goodbyes_.begin(), goodbyes_.end(), from) == goodbyes_.end(),
           "torc: a rank says goodbye twice, or to the wrong one");
    goodbyes_.push_back(from);
    break;
  case message_kind::close:
    expect(from == parent() && said_goodbye_ && !closed_,
           "torc: a rank is told to close before it has said goodbye, or twice");
    closed_ = true;
    for_children([&](int c) { site_.send(c, {.what = message_kind::close}); });
    site_.closed();
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

void protocol::try_to_part() {
  std::size_t below = 0;
  for_children([&](int) { ++below; });
  if (!leaving_ || said_goodbye_ || asked_ >= 0 || goodbyes_.size() < below ||
      site_.outstanding()) {
    return;
  }
  said_goodbye_ = true;
  if (rank_ != 0) {
    site_.send(parent(), {.what = message_kind::goodbye});
    return;
  }
  closed_ = true;
  for_children([&](int c) { site_.send(c, {.what = message_kind::close}); });
  site_.closed();
}

} // namespace torc::detail
