// SPDX-License-Identifier: MIT
#pragma once

// How ranks find work and how they part: a state machine without clock, threads or messages of its
// own, so that it runs the same over MPI, in one test process and in a simulation.
//
// A rank that is hungry has one request out at a time. It tries ranks of its host, then others; of
// each first the one that gave last, then of two drawn at random the one that looked busier. When
// all that fails it registers with its lifelines and falls silent: a lifeline that comes to have
// work pushes some of it, and one that gets just enough for itself tells the giver who else is
// waiting. (Saraswat et al., Lifeline-based global load balancing, PPoPP 2011.)
//
// Parting: each rank tells its parent in a binary tree when it and the ranks below have nothing
// outstanding and will ask for nothing any more; the root then tells everybody to close. Since a
// rank that has said goodbye has no request out and sends only refusals, nothing but these are
// under way when the root has heard from all.

#include <cstdint>
#include <random>
#include <vector>

namespace torc::detail {

enum class message_kind : std::uint8_t {
  request,    ///< a hungry rank asks for tasks; answered by tasks or a refusal
  lifeline,   ///< the same, to be answered when there is something to give; for another rank if
              ///< `value` is that rank's number and 1
  refusal,    ///< ... or this
  tasks,      ///< a stolen one or more; `value` is 1 if they answer a request
  submission, ///< a task that was sent here
  result,     ///< of a task of ours
  collective, ///< asks the root for an spmd ...
  run,        ///< ... which has everybody run it ...
  ran,        ///< ... and hears when the ranks below have
  end,        ///< the primary task has ended
  goodbye,    ///< the ranks from here on down have nothing outstanding
  close,      ///< nobody will send any more
};
inline constexpr int kinds = static_cast<int>(message_kind::close) + 1;

/// What every message begins with.
struct header {
  message_kind what = message_kind::refusal;
  std::uint8_t load = 0; ///< how much the sender has to give: log2, 0 for nothing
  std::uint16_t count = 0;
  std::uint32_t value = 0;
};

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

protected:
  ~site() = default;
};

struct protocol_statistics {
  std::uint64_t requests = 0; ///< sent
  std::uint64_t refused = 0;  ///< of these
  std::uint64_t lifelines = 0;
};

class protocol {
public:
  /// `hosts` numbers the hosts by rank.
  protocol(site& s, int rank, std::vector<int> hosts, std::uint64_t seed);

  // Events.
  void hungry();
  /// Throws `bad_message` if it is not the sender's turn to say this.
  void received(int from, header h);
  /// There may be something to give to ranks that wait for it.
  void offer();
  void enable_stealing(bool on);
  /// This rank wants to part; `offer`, `received` and this advance it.
  void leave();

  bool wanted() const noexcept { return !waiting_.empty(); }
  /// The rank that has our request; -1: none.
  int asked() const noexcept { return asked_; }
  bool is_child(int r) const noexcept { return r > 0 && (r - 1) / 2 == rank_; }
  int parent() const noexcept { return (rank_ - 1) / 2; }
  /// Calls `f(child)` for the ranks below this one in the tree.
  template <class F>
  void for_children(F f) const {
    for (int c = 2 * rank_ + 1; c <= 2 * rank_ + 2 && c < size_; ++c) {
      f(c);
    }
  }
  const protocol_statistics& statistics() const noexcept { return statistics_; }

private:
  int next_victim();
  int draw(const std::vector<int>& ranks);
  void answered(int from);
  void add_waiter(int rank, bool passed_on);
  void pass_on_waiters(int to);
  void fall_silent();
  void try_to_part();

  site& site_;
  const int rank_;
  const int size_;
  std::vector<int> near_, far_; ///< the other ranks, of this host and of others
  std::vector<std::uint8_t> load_;
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

  bool leaving_ = false, said_goodbye_ = false, closed_ = false;
  std::vector<int> goodbyes_; ///< of the ranks right below

  protocol_statistics statistics_;
};

} // namespace torc::detail
