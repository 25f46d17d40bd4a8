// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <torc/future.hpp>

#include "ranks/engine.hpp"
#include "runtime/configuration.hpp"
#include "scheduler/scheduler.hpp"
#include "transport/transport.hpp"

namespace torc::detail {

/// One rank from `init` to `shutdown`. The thread that makes it becomes worker 0.
class session {
public:
  /// Without a transport: a process of its own. With one, this is collective; ranks that do not run
  /// the same program end with a line that says so.
  session(configuration c, std::unique_ptr<transport> t);
  ~session();

  /// Runs `primary` on worker 0 of rank 0. On other ranks works for the others until it has ended.
  /// Gives its result everywhere.
  int launch(const std::function<int()>& primary);
  /// The two halves of that: not on rank 0; on rank 0.
  int await_end() { return engine_->await_end(); }
  void end_launch(int exit_code);
  /// On rank 0, if the statistics are asked for: a line that says that the primary task begins.
  void announce() const;
  /// Waits for all that was submitted, and until all ranks want to end. Collective.
  void leave();
  /// Ends the session, once left. Collective. Nobody may call `heard` any more.
  void shutdown();
  /// The process has got that signal (signals.hpp); 0: some time has passed.
  void heard(int signal);

  scheduler& workers() noexcept { return *scheduler_; }
  /// Of all ranks; on rank 0, after `shutdown`.
  const std::vector<rank_statistics>& statistics() const noexcept { return statistics_; }
  int rank() const noexcept { return scheduler_->place.rank; }

private:
  void meet(configuration& c);
  void explain();
  void look_for_stall();
  [[noreturn]] void give_up(const std::string& why);
  void stop(int signal);
  int result_of(future<int> primary);
  void part();

  std::unique_ptr<transport> transport_;
  std::vector<std::string> hosts_;
  position place_;
  std::unique_ptr<scheduler> scheduler_;
  std::unique_ptr<rank_engine> engine_;
  std::vector<rank_statistics> statistics_;

  std::uint64_t events_ = 0; ///< as the last look for a stall has found them,
  std::chrono::steady_clock::time_point changed_ = std::chrono::steady_clock::now(); ///< and since

  std::mutex primary_mutex_;
  future<int>* primary_ = nullptr; ///< null: none, or the main program
  std::atomic<int> signal_{0};     ///< the one that has stopped the session
};

} // namespace torc::detail
