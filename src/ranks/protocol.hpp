// SPDX-License-Identifier: MIT
#pragma once

// How ranks find work and how they part: a state machine without clock, threads or messages of its
// own, so that it runs the same over MPI, in one test process and in a simulation.
//
// A rank that is hungry has one request out at a time. It tries ranks of its host, drawn at random,
// then others. When all that fails it registers with its lifelines and falls silent: a lifeline
// that comes to have work pushes some of it, and one that gets just enough for itself tells the
// giver who else is waiting. (Saraswat et al., Lifeline-based global load balancing, PPoPP 2011.) A
// rank that gets tasks takes its other lifelines back: otherwise ranks would push to those that
// have enough by now, and what a master sends to those that had waited for it from each to the
// next.
//
// Parting: each rank tells the root when it has nothing outstanding and will ask for nothing any
// more; when all have, the root tells everybody to close. Since a rank that has said goodbye has no
// request out and sends only refusals, nothing but these are under way then. No rank stands between
// the root and another, so that none can be lost with what it should have passed on.
//
// Deadlock: when the root has been at rest for some time it asks everybody whether they are, with
// the difference of messages sent and seen. If all have been, unchanged, from one time to the next,
// and the differences add up to nothing, then no message was under way between the two, and nothing
// will ever happen. (F. Mattern, Algorithms for distributed termination detection, Distributed
// Computing 2, 1987.) Once a rank is lost the sum means nothing any more, and nobody is asked.
//
// A rank may be lost (`lost`); the root may not. The others go on as if it had never been there.

#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

namespace torc::detail {

enum class message_kind : std::uint8_t {
  request,    ///< a hungry rank asks for tasks; answered by tasks or a refusal
  lifeline,   ///< the same, to be answered when there is something to give; for another rank if
              ///< `value` is that rank's number and 1
  refusal,    ///< ... or this
  withdrawal, ///< the sender takes its lifeline back
  tasks,      ///< a stolen one or more; `value` is 1 if they answer a request
  submission, ///< a task that was sent here
  result,     ///< of a task of ours
  stop,       ///< tasks of the sender are to stop
  collective, ///< asks the root for an spmd ...
  run,        ///< ... which has everybody run it ...
  ran,        ///< ... and hears when the ranks below have
  end,        ///< the primary task has ended
  goodbye,    ///< to the root: the sender has nothing outstanding
  close,      ///< nobody will send any more
  passed_on,  ///< a task of ours went on to rank `value`; only where losses are survived
  beat,       ///< the sender lives
  lost,       ///< rank `value` does not
  signal,     ///< to the root: signal `value` asks the job to stop; from it: explain yourself
  probe,      ///< from the root: is the receiver at rest?
  rest,       ///< the answer; `count` is 1 if it has been since the last probe, `value` is the
              ///< difference of messages sent and seen, modulo 2^32
};
inline constexpr int kinds = static_cast<int>(message_kind::rest) + 1;

/// What every message begins with.
struct header {
  message_kind what = message_kind::refusal;
  std::uint8_t load = 0; ///< how much the sender has to give: log2, 0 for nothing
  std::uint16_t count = 0;
  std::uint32_t value = 0;
};

/// `header::load` of a rank that has so many tasks to give.
inline std::uint8_t load_hint(int tasks) noexcept {
  return static_cast<std::uint8_t>(std::bit_width(static_cast<unsigned>(tasks)));
}

/// A message of tasks is filled up to so many bytes.
inline constexpr std::int64_t full_message = 3500;

/// What the protocol asks of its rank.
class site {
public:
  virtual void send(int to, header h) = 0;
  /// Sends tasks to a rank, as an answer to its request or for its lifeline; how many.
  virtual int give(int to, bool answer) = 0;
  /// Whether somebody here has nothing to do.
  virtual bool hungry() = 0;
  /// Whether results of tasks or answers are awaited.
  virtual bool outstanding() = 0;
  virtual void closed() = 0;
  /// Whether nothing runs here, nor will by itself; then a number that changes when anything does.
  virtual std::optional<std::uint64_t> rest() = 0;
  /// Root: nothing runs anywhere, nor ever will.
  virtual void deadlocked() = 0;

protected:
  ~site() = default;
};

/// Which ranks share a host. One for all that live in a process, as it has an entry for every rank.
class host_map {
public:
  /// `hosts` numbers the hosts by rank.
  explicit host_map(std::vector<int> hosts);

  int ranks() const noexcept { return static_cast<int>(hosts_.size()); }
  bool together(int a, int b) const noexcept { return host(a) == host(b); }
  /// How many ranks are on the host of `rank`, itself included.
  int near(int rank) const noexcept;
  /// The i-th of these, and the i-th of all others.
  int near(int rank, int i) const noexcept;
  int far(int rank, int i) const noexcept;

private:
  int host(int rank) const noexcept { return hosts_[static_cast<std::size_t>(rank)]; }
  int begin(int rank) const noexcept { return begins_[static_cast<std::size_t>(host(rank))]; }

  std::vector<int> hosts_;   ///< by rank
  std::vector<int> members_; ///< ranks by host
  std::vector<int> begins_;  ///< by host: where its ranks begin there
};

/// How ranks look for work and share it. The engine has the defaults; the simulation has the others
/// too, and is why these are the defaults (doc/scaling.md).
struct policy {
  enum class order : std::uint8_t { near_first, flat } victims = order::near_first;
  enum class choice : std::uint8_t { random, last_giver, loads } victim = choice::random;
  enum class amount : std::uint8_t { one, half, adaptive }; ///< adaptive: half to another host
  amount children = amount::one, submitted = amount::half;
  bool lifelines = true; ///< otherwise a rank that has found nothing has to be told to go on
  int near_attempts = 4; ///< before a rank falls silent
  int far_attempts = 4;
};

struct protocol_statistics {
  std::uint64_t requests = 0; ///< sent
  std::uint64_t refused = 0;  ///< of these
  std::uint64_t lifelines = 0;
};

class protocol {
public:
  /// `hosts` outlives it.
  protocol(site& s, int rank, const host_map& hosts, std::uint64_t seed, policy p = {});

  // Events.
  void hungry();
  /// Throws `bad_message` if it is not the sender's turn to say this.
  void received(int from, header h);
  /// There may be something to give to ranks that wait for it.
  void offer();
  void enable_stealing(bool on);
  /// This rank wants to part; `offer`, `received` and this advance it.
  void leave();
  /// That rank has died, and is not the root. Once; nothing it has sent is received any more.
  void lost(int r);
  /// Every message, also one to this rank itself, where it is sent and after it has been acted
  /// upon.
  void sent(message_kind what) noexcept { count(what, 1); }
  void seen(message_kind what) noexcept { count(what, -1); }
  /// Root: it has been at rest for some time. To be called again while it is, after a pause.
  void suspect();

  bool wanted() const noexcept { return !waiting_.empty(); }
  /// The rank that has our request; -1: none.
  int asked() const noexcept { return asked_; }
  /// It has given up, and waits to be given something.
  bool silent() const noexcept { return silent_; }
  /// How many tasks to give to a rank, at most, if there are so many to spare.
  int share(int to, bool submitted, int spare) const noexcept;
  bool is_lost(int r) const noexcept {
    return !lost_.empty() && lost_[static_cast<std::size_t>(r)];
  }
  /// Calls `f(child)` for the ranks right below this one in a binary tree, in which those below a
  /// lost one belong to the next above.
  template <class F>
  void for_children(F f) const {
    for_children_of(rank_, f);
  }
  /// Whether `above` is on the way from rank `below` to the root of that tree.
  static bool is_above(int above, int below) noexcept {
    while (below > above) {
      below = (below - 1) / 2;
    }
    return below == above;
  }
  const protocol_statistics& statistics() const noexcept { return statistics_; }

private:
  int next_victim();
  int draw(bool nearby);
  int draw(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }
  void answered(int from);
  void add_waiter(int rank, bool passed_on);
  void pass_on_waiters(int to);
  void fall_silent();
  void withdraw();
  void try_to_part();
  void close();
  void count(message_kind what, int by) noexcept;
  bool still_at_rest();
  void rests(bool still, std::uint32_t balance);
  template <class F>
  void for_children_of(int r, F& f) const {
    for (int c = 2 * r + 1; c <= 2 * r + 2 && c < hosts_.ranks(); ++c) {
      if (is_lost(c)) {
        for_children_of(c, f);
      } else {
        f(c);
      }
    }
  }

  site& site_;
  const int rank_;
  const host_map& hosts_;
  const policy policy_;
  struct hint {
    int rank = -1;
    std::uint8_t load = 0;
  };
  hint& hint_of(int rank) { return hints_[static_cast<std::size_t>(rank) % hints_.size()]; }
  std::array<hint, 64> hints_; ///< the loads heard last, by the end of the rank's number
  std::minstd_rand random_;

  bool stealing_ = true;
  int asked_ = -1; ///< who has our request
  int last_giver_ = -1;
  int attempts_ = 0; ///< since there was work
  bool silent_ = false;
  struct waiter {
    int rank;
    bool passed_on; ///< to somebody who gave us tasks
  };
  std::vector<waiter> waiting_; ///< ranks whose lifeline we are
  std::vector<int> lifelines_;  ///< ours, since there was work

  bool leaving_ = false, said_goodbye_ = false, closed_ = false;
  std::vector<bool> parted_; ///< by rank, the root's: who has said goodbye, or is lost
  std::vector<bool> lost_;   ///< by rank; empty if none is

  std::uint32_t balance_ = 0; ///< messages sent and not seen here, less those seen here and sent
                              ///< elsewhere
  std::uint64_t moves_ = 0;   ///< how often that has changed
  std::optional<std::pair<std::uint64_t, std::uint64_t>> rested_; ///< `rest`, `moves_`: last probe
  int probed_ = 0;              ///< the root's: how many have not answered
  bool all_rest_ = false;       ///< of those that have
  std::uint32_t under_way_ = 0; ///< the sum of theirs

  protocol_statistics statistics_;
};

} // namespace torc::detail
