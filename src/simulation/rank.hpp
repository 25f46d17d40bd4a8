// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "ranks/protocol.hpp"
#include "simulation/task_queue.hpp"
#include "simulation/workload.hpp"

namespace torc::simulation {

class world;

using detail::header;
using detail::message_kind;
using detail::protocol;

/// Of a message without tasks: what src/ranks/protocol.hpp calls a header.
inline constexpr std::int64_t header_bytes = 8;

struct message {
  int from = 0;
  header head;
  std::uint32_t job = 0; ///< of a result: what has ended
  std::vector<task> tasks = {};
};

/// One rank: the real protocol, and a model of its worker, its queues, and of when it looks at its
/// messages.
class rank final : private detail::site {
public:
  rank(world& w, int id, std::uint64_t seed);

  /// Is the rank where the program begins, at that time, with this task.
  void begins(nanoseconds time, const task& first);

  // Events.
  /// A message has come; it may be seen later.
  void arrives(std::uint32_t message);
  void looks();
  /// What it has submitted to itself.
  void queues(const task& t);
  /// The running task, or batch of them, has ended.
  void work_ends();
  /// After a pause, looks for work again.
  void tries_again();
  void enable_stealing(bool on);
  /// The launch is over.
  void leaves();
  void dies();
  /// Rank 0 looks whether tasks wait for each other.
  void suspects();

  /// Gives it a task.
  void enqueue(const task& t);

  bool busy() const noexcept { return busy_; }
  bool dead() const noexcept { return dead_; }
  bool has_closed() const noexcept { return closed_; }
  bool has_tasks() const noexcept { return !children_.empty() || !inbox_.empty() || !own_.empty(); }
  int away() const noexcept { return away_; }
  const protocol& state_machine() const noexcept { return protocol_; }
  double slowness() const noexcept { return slowness_; }

  const int id;
  std::uint64_t run = 0; ///< tasks
  std::uint64_t stolen_near = 0, stolen_far = 0, sent = 0, bytes = 0;

private:
  friend class worker;

  /// Waits for children: of a task, with what comes after them, or of one that came from elsewhere.
  struct job {
    task whole;
    task after;
    int pending = 0; ///< children, and the task itself
    bool has_after = false;
  };

  // site
  void send(int to, header h) override;
  int give(int to, bool answer) override;
  bool hungry() override { return !busy_ && !has_tasks(); }
  bool outstanding() override { return away_ > 0; }
  void closed() override;
  std::optional<std::uint64_t> rest() override;
  void deadlocked() override;

  int available() const noexcept { return children_.size() + inbox_.size(); }
  void post(int to, std::int64_t bytes, message&& m);
  void spend(nanoseconds t);
  nanoseconds answer_at(const message& m) const;
  nanoseconds next_tick(nanoseconds period) const;
  void look_at(nanoseconds time);
  void handle(message& m);
  void settle();
  void start_work();
  bool next_task(task& t);
  job& own_job();
  void part_done(std::uint32_t job);
  void ended(const task& t);

  world& world_;
  protocol protocol_;

  task_queue children_;
  task_queue inbox_;      ///< submitted tasks
  std::vector<task> own_; ///< pinned ones, and what goes on after its children
  std::vector<job> jobs_;
  std::vector<std::uint32_t> free_jobs_;
  std::vector<std::uint32_t> unseen_; ///< messages

  task current_;
  std::uint32_t current_job_ = 0;
  bool has_job_ = false; ///< of its own
  bool busy_ = false, dead_ = false, leaving_ = false, closed_ = false, asleep_ = false;
  int away_ = 0; ///< tasks of ours that others have
  double slowness_ = 1;
  nanoseconds clock_ = 0; ///< until then the processor is occupied by messages, if idle
  nanoseconds debt_ = 0;  ///< ... and by so much the work has been delayed, if busy
  nanoseconds network_free_ = 0;
  nanoseconds idle_since_ = 0;
  nanoseconds look_ = -1;   ///< when it looks at its messages next; -1: no need
  nanoseconds pause_ = 0;   ///< before it looks for work again
  std::uint32_t phase_ = 0; ///< of its ticks
};

} // namespace torc::simulation
