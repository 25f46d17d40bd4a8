// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <torc/detail/remote.hpp>
#include <torc/detail/spinlock.hpp>
#include <torc/detail/submitted.hpp>
#include <unordered_map>
#include <vector>

#include "ranks/broadcasts.hpp"
#include "ranks/protocol.hpp"
#include "ranks/slots.hpp"
#include "scheduler/baton.hpp"
#include "scheduler/work_source.hpp"
#include "transport/transport.hpp"

namespace torc::detail {

class scheduler;

/// What a rank tells the root when it parts.
struct rank_statistics {
  std::int32_t rank = 0;
  std::int32_t workers = 0;
  std::uint64_t created = 0;     ///< tasks
  std::uint64_t executed = 0;    ///< tasks run, of whatever origin
  std::uint64_t stolen_here = 0; ///< taken from another worker of the process
  std::uint64_t stolen_near = 0; ///< from other ranks of the host
  std::uint64_t stolen_far = 0;
  std::uint64_t requests = 0;
  std::uint64_t refused = 0;
  std::uint64_t messages = 0; ///< sent
  std::uint64_t bytes = 0;    ///< of these
  std::uint64_t again = 0;    ///< tasks run again, because the rank that had them was lost
  std::uint64_t retried = 0;  ///< tasks tried again, because they had failed
  double idle = 0;            ///< seconds, of all workers
};

/// A rank's part in the whole: carries out what the protocol decides, turns tasks into bytes and
/// back. Whoever holds the token, one thread at a time, looks at the messages: an idle worker, one
/// that serves a request, or the helper thread, which sleeps most of the time.
class rank_engine final : public work_source, private site, private receiver {
public:
  /// What it calls, from any thread.
  struct events {
    /// A rank has got that signal and asks the root to stop; SIGUSR1: the root asks us to explain.
    std::function<void(int)> signalled;
    /// Rank 0: nothing runs on any rank, nor will.
    std::function<void()> deadlocked;
  };
  /// `hosts`: their names by rank.
  rank_engine(scheduler& s, transport& t, std::vector<std::string> hosts, events e);
  ~rank_engine();

  void poll() noexcept override;
  void seek() noexcept override;
  void search_begins() noexcept override;
  void search_ends() noexcept override;
  void insist() noexcept override;
  bool wanted() const noexcept override { return wanted_.load(std::memory_order_relaxed); }
  void dying(const char* signal) noexcept override;
  /// This process is about to end the job, and has said why: nobody is to report its death.
  void ends_the_job() noexcept { page_.reported.store(1); }
  bool moving() const noexcept override { return moving_.load(std::memory_order_relaxed); }

  void ship(submitted& s, int to, int q) override;
  void spread_stop() noexcept override;
  bool stopped_at_home(stop_scope& of_task) noexcept override;
  /// Sends the outcome of a task that came from elsewhere home, and deletes it.
  void send_home(remote_task& t) noexcept;

  /// Has every rank do what `call` and `what` say (spmd.cpp); when all have, `home` ends.
  void run_everywhere(descriptor& home, const writer& call, std::uint32_t what);
  /// This rank has.
  void part_ended(const std::exception_ptr& error) noexcept;

  /// Rank 0: the primary task of this launch has ended.
  void end_launch(int exit_code);
  /// Other ranks: waits for that; the exit code.
  int await_end();

  /// Waits until all ranks want to part. Afterwards nobody sends any more.
  void leave();
  /// Of all ranks; on rank 0, once left.
  const std::vector<rank_statistics>& statistics() const noexcept { return gathered_; }

  /// Acts upon one message. Throws `bad_message` if it makes no sense. With the token held.
  void handle(arrival& a);

  /// The process has got a signal that asks the job to stop: tells the root. From any thread.
  void pass_on_signal(int signal) noexcept;
  /// Rank 0: all others say what they are doing.
  void have_all_explain() noexcept;

  /// Whether another rank of this host has died, which somebody then acts upon. From any thread.
  bool look_for_deaths() noexcept;

  /// The tasks of this rank that are elsewhere.
  slots& away() noexcept { return away_; }

  const int rank;
  const std::vector<std::string> hosts; ///< names by rank
  broadcast_table broadcasts{rank};

private:
  // site
  void send(int to, header h) override;
  int give(int to, bool answer) override;
  bool hungry() override;
  bool outstanding() override;
  void closed() override;
  std::optional<std::uint64_t> rest() override;
  void deadlocked() override { deadlocked_.store(true); }

  void receive(arrival&& a) override;

  void progress(bool ask) noexcept;
  void advance(bool ask);
  void post(int to, header h, writer&& body, std::shared_ptr<void> owner = nullptr);
  bytes head_of(header h) const;
  void send_now(int to, message&& m);
  void notify(int to) noexcept;
  static void set_guards(rank_page& page) noexcept;

  /// Losses are survived. Then nothing travels in blocks: what its sender's death cuts off has not
  /// arrived at all.
  bool survive() const noexcept;

  struct parcel;
  int available() const noexcept;
  int spare() const noexcept;
  descriptor* take_for_rank(bool& submitted);
  void publish_by_force();
  void accept_tasks(arrival& a, reader& r, header h);
  void accept_result(arrival& a, reader& r);
  bool post_stop(const std::vector<task_home>& stopped);
  void accept_stop(int from, reader& r);
  void forget_stop(const task_home& home);
  bool expected_home(const task_home& home);
  void tell_passed_on(const task_home& home, int to);
  void enqueue(remote_task& t, int q, bool pinned);
  void when_complete(arrival& a, std::vector<std::span<std::byte>> to, std::function<void()> done);

  // spmd
  void start_collective();
  void run_collective(reader& r, header h);
  void collective_ended(reader& r);
  void part_failed(int r, reader& body);
  void expect_end_of_collective() const;

  // loss
  void watch();
  void beat(bool stopped);
  void lose(int r);
  void make_good(int r);
  void await_guests();
  void run_here(descriptor& d) noexcept;
  void sum_up_losses() const noexcept;
  void report_loss(int r, const char* consequence);
  static std::string what_runs(rank_page& page);

  void help();
  void tick();
  void suspect();
  rank_statistics own_statistics() const;

  scheduler& scheduler_;
  transport& transport_;
  const events events_;
  const host_map host_map_;
  protocol protocol_;
  slots away_;
  rank_page& page_;

  // Held while looking at messages; what follows is its holder's.
  atomic<bool> token_{false};
  std::vector<arrival> arrived_;
  std::vector<int> touched_; ///< ranks sent to since the last flush
  bool urgent_ = false;      ///< a helper shall see that at once
  std::vector<int> forced_;  ///< by worker: ticks until it is made to publish again
  std::vector<rank_statistics> gathered_;
  std::size_t next_worker_ = 0;
  using clock = std::chrono::steady_clock;
  std::uint64_t messages_ = 0, bytes_ = 0, near_ = 0, far_ = 0, received_ = 0;
  struct collective {
    std::deque<std::pair<header, bytes>> queue; ///< the root's: not begun
    bool running = false;
    int unfinished = 0; ///< this rank and those below
    int asked_by = 0;   ///< the rank above
    task_home home;
    bytes error; ///< the first
    std::uint64_t number = 0;
    // The root's: who has failed in this one, so that it is to end soon.
    int failed = -1;
    std::string failure;
    clock::time_point failed_at;
  } collective_;
  int losses_ = 0;
  std::vector<clock::time_point> heard_; ///< by rank: when there was a message
  std::uint64_t again_ = 0;
  bool closing_ = false; ///< tasks of other ranks may be here still

  // Anybody's.
  std::vector<atomic<bool>> lost_; ///< by rank, as the protocol says; in the end all
  atomic<bool> wanted_{false};     ///< as the protocol says
  atomic<int> asked_{-1};          ///< likewise
  atomic<bool> moving_{false};     ///< as the transport says
  atomic<bool> news_{false};       ///< a message has come or gone since the helper has looked
  atomic<std::uint64_t> sent_{0};  ///< tasks
  atomic<int> guests_{0};          ///< tasks of other ranks that are here
  atomic<bool> once_more_{false};  ///< the holder shall look once more
  atomic<int> quiet_polls_{0};     ///< how many more before an idle worker asks for work
  atomic<bool> wants_to_leave_{false};
  struct posted {
    int to = 0;
    message m;
  };
  spinlock post_lock_;
  std::vector<posted> posted_;

  spinlock stops_lock_;
  /// Tasks that their homes have stopped: the generation by rank and slot.
  std::unordered_map<std::uint64_t, std::uint64_t> stops_;

  spinlock end_lock_;
  std::map<std::uint16_t, int> ends_; ///< exit codes of launches, by their number
  std::uint16_t launches_ = 0;        ///< ended, or awaited
  baton* end_waiter_ = nullptr;

  clock::time_point next_look_{}, next_beat_{}; ///< the helper's
  clock::time_point next_suspicion_{};
  std::chrono::milliseconds suspicion_pause_{0};
  std::uint64_t suspected_sleeps_ = 0;
  atomic<bool> deadlocked_{false};

  baton all_left_;
  atomic<bool> ending_{false};
  std::thread helper_;
};

/// The engine of the session the calling thread belongs to; null if that has one rank only.
rank_engine* current_engine() noexcept;

} // namespace torc::detail
